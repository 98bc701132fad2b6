"""Which chain this is: written once, at genesis."""

from __future__ import annotations

from storage.record import Amount, Data, Flag, Hash, Record, Text, field
from storage.tables import Table, host_table


class ChainIdentity(Record):
    """A rehearsal keeps the name of the chain it rehearses and has an id of its own, so nothing signed for one is
    good on the other, while bundles, which name the chain's name, are the very same bytes."""

    chain_id: Text = field(1)
    chain_name: Text = field(2)
    genesis: Hash = field(3)
    """Digest of the genesis document."""
    rehearsal: Flag = field(4, default=False)
    """Keys are substitutes derived from a seed."""
    source: Text = field(5, default="")
    """Where the genesis came from, for reports."""
    initial_height: Amount = field(6, default=0)
    parent: Data = field(7, default=b"")
    """App root of the chain this one was restored from as a new chain."""


CHAIN: Table[ChainIdentity] = host_table("host.chain", ChainIdentity, key=(), names=())
