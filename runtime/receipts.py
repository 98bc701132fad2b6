"""What became of a transaction or hook: one receipt each, canonical, never changed afterwards.

A receipt holds an error *code* with the bundle's file and the last line the host counted, never the text of an
exception: texts differ between Python releases, codes do not. A rollback adds a second receipt beside the first.
"""

from __future__ import annotations

from runtime.address import ADDRESS_BYTES, address_text
from storage.record import Amount, Hash, Record, Text, field

OK = "ok"

# Codes a second receipt may carry besides the ordinary ones.
FAILED_BEFORE = "failed_before"
"""The first receipt failed and the item is not run a second time: people have sent such a transaction again since, and
a hook of the new runtime is not there any more."""
NOT_REPLAYABLE = "not_replayable"
"""The old runtime lacks the interface, or the sender cannot pay; costs nothing."""
HOST_STANDS = "host_stands"
"""A host call; host tables are never rewound, so its result stands."""
QUEUED_FOR_REPLAY = "queued_for_replay"
"""A replay is under way: the call runs in its turn, and its second receipt tells what came of it."""
INVARIANT_BROKEN = "invariant_broken"
"""The item broke a declared invariant or the supply and was undone alone."""
CALLS_WAIT = "safe_mode"
"""The chain is paused: governance acts, runtime calls wait for `resume`, their nonces free."""
BLOCK_OUT_OF_STEPS = "block_out_of_steps"
"""The block's steps are used up; the call cost nothing and its nonce is free for a later block."""


class Attribute(Record):
    """One named value of an event, already in its text form."""

    name: Text = field(1)
    value: Text = field(2, default="")


class Event(Record):
    """Something others may want to follow: ``kind`` is ``module.name`` or a host event such as UpgradeExecuted."""

    kind: Text = field(1)
    attributes: tuple[Attribute, ...] = field(2, default=())


class Receipt(Record):
    """The outcome of one item of a block."""

    item: Hash = field(1)
    """Transaction id, or the SHA-256 of a hook's name."""
    code: Text = field(2)
    file: Text = field(3, default="")
    line: Amount = field(4, default=0)
    steps: Amount = field(5, default=0)
    written: Amount = field(6, default=0)
    """Bytes written to tables."""
    fee: Amount = field(7, default=0)
    events: tuple[Event, ...] = field(8, default=())


class Receipts(Record):
    """The second receipts of one replayed height, at the places of the first: of its transactions, then of hooks."""

    items: tuple[Receipt, ...] = field(1, default=())


def event(kind: str, **attributes: object) -> Event:
    """Build an event of the host; attribute order is the order given."""
    return Event(
        kind=kind,
        attributes=tuple(Attribute(name=name, value=_text(value)) for name, value in attributes.items()),
    )


def bytes_text(value: bytes) -> str:
    """How events show bytes: as long as an address, they are one and become its text; others hex."""
    return address_text(value) if len(value) == ADDRESS_BYTES else value.hex()


def _text(value: object) -> str:
    return bytes_text(value) if isinstance(value, bytes) else str(value)
