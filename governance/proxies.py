"""Proxies: an account lets another one vote in its place. No power moves, only the right to cast.

An account names one proxy, or none; a proxy may stand for any number. The proxy casts for each account it stands for by
a call of its own (`vote_for`), so a vote stays as cheap as any other, however many have named the same proxy. The right
goes along the chain: whoever is named by one's proxy may cast too, to `MOST_STEPS` steps. The nearest word counts: an
account's own vote overrides any proxy's, a nearer proxy's that of a farther one, and nobody overrides the other way.
Naming and taking back count from the next call on, also for votes that run, as a change of key does; a vote that a
proxy has cast stands until a vote as near or nearer replaces it.

Chains have no cycles: an account is named only if its own chain ends, before it comes back and within the steps.
"""

from __future__ import annotations

from collections.abc import Iterator

from governance.ballots import Split
from governance.electorate import voting_power_at
from governance.errors import need
from governance.reading import Reader
from governance.tables import PROXIES, Proxy
from runtime.host import HostContext
from runtime.receipts import event
from storage.record import Address, Amount, Data, Hash, Record, Text, field

MOST_STEPS = 4
"""Steps from an account to the last one that may cast for it."""


class VoteFor(Record):
    """A vote that a proxy casts for another account."""

    voter: Address = field(1)
    proposal: Amount = field(2)
    option: Text = field(3, default="")
    bundle: Data = field(4, default=b"")
    effect: Hash = field(5)
    split: Split = field(6, default=())


class NameProxy(Record):
    """Who may cast the sender's votes; empty for nobody."""

    proxy: tuple[Address, ...] = field(1, default=())
    """At most one."""


def chain_from(reader: Reader, account: bytes) -> Iterator[bytes]:
    """The proxy of an account, that one's proxy, and so on to the end of the chain."""
    row = reader.get(PROXIES, (account,))
    while row is not None:
        yield row.proxy
        row = reader.get(PROXIES, (row.proxy,))


def steps_to(reader: Reader, account: bytes, proxy: bytes) -> int:
    """Steps from an account to one that may cast for it; 0 when that one may not."""
    for steps, named in enumerate(chain_from(reader, account), 1):
        if named == proxy:
            return steps
        if steps == MOST_STEPS:
            break
    return 0


def name_proxy(context: HostContext, proxy: bytes) -> None:
    """Let ``proxy`` cast the sender's votes, or nobody where it is empty.

    Raises HostRefused: no_power, proxy_cycle, proxy_chain_too_long, no_proxy.
    """
    overlay, sender = context.overlay, context.sender
    if not proxy:
        need(overlay.get(PROXIES, (sender,)) is not None, "no_proxy")
        overlay.delete(PROXIES, (sender,))
    else:
        power = voting_power_at(overlay, sender, context.height)
        need(power > 0, "no_power", voter=sender, height=context.height)
        need(proxy != sender, "proxy_cycle")
        for steps, named in enumerate(chain_from(overlay, proxy), 2):
            need(named != sender, "proxy_cycle")
            need(steps <= MOST_STEPS, "proxy_chain_too_long", most=MOST_STEPS)
        overlay.put(PROXIES, (sender,), Proxy(proxy=proxy, since=context.height))
    context.events.append(event("ProxyNamed", account=sender, proxy=proxy))
