"""The checklist before an upgrade is proposed: what can be known now, and what only its rehearsals will show."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from governance.judging import judge
from governance.lifecycle import Move
from governance.ruletext import NO_PARAMETERS, resolve
from governance.tally import Electors, Tally, counted_power
from governance.tracks import LEFT, RULE, Track, TrackRow
from runtime.bundle.spawn import BundleFailed, first_execution
from storage.checkpoint import bytes_below, list_checkpoints
from storage.home import Home

from .findings import Finding
from .identities import Signer
from .proposing import rules_for
from .proposing_upgrade import Examined, upgrade_content
from .signing import Desk
from .verify import chain_checks

COPIES = 2
"""How often the database's size may be needed on top of it: the next state beside the present one, and the files that
a checkpoint keeps while the database goes on without them."""


def checks_before(
    desk: Desk, found: Examined, voters: Sequence[Signer], signer: Signer, track: str
) -> Iterator[Finding]:
    """Every check, in order."""
    yield from chain_checks(desk.client)
    yield _bundle(found)
    uses = ", ".join(sorted({use for one in found.declaration.manifest.modules for use in one.uses})) or "none"
    yield Finding("module calls", True, f"declared: {uses}; made for real at each rehearsal")
    rules = rules_for(desk.client.tracks(), track, upgrade_content(desk, found, track, None, None))
    yield _purse(desk, signer, int(rules["deposit"]))
    yield from _machine(desk.asked.home) if desk.asked.url is None else ()
    yield _keys(desk, voters, rules)


def _bundle(found: Examined) -> Finding:
    outcome = first_execution(found.bundle)
    if isinstance(outcome, BundleFailed):
        return Finding("bundle", False, f"{outcome.reason}: {outcome.detail}")
    return Finding("bundle", True, f"loads; own tests passed: {outcome.tests}")


def _purse(desk: Desk, signer: Signer, deposit: int) -> Finding:
    balance = int(desk.client.account(signer.text)["balance"])
    said = f"{signer.name} has {balance:,} for a deposit of {deposit:,}; proposals and votes cost no fee"
    return Finding("deposit", balance >= deposit, said)


def _machine(home: Path) -> Iterator[Finding]:
    place = Home.open(home)
    free, size = shutil.disk_usage(place.root).free, bytes_below(place.database)
    said = f"{free >> 20:,} MiB free; about {COPIES * size >> 20:,} MiB may be needed to grow and to keep a checkpoint"
    yield Finding("disk", free > COPIES * size, said)
    held = list_checkpoints(place)
    last = "no checkpoint yet"
    if held:
        last = f"newest checkpoint {held[-1].name}, not read through here (`synod checkpoint verify latest`)"
    yield Finding("backup", None, f"{last}; the node takes one by itself at the height before the activation")


def _keys(desk: Desk, voters: Sequence[Signer], rules: dict[str, str]) -> Finding:
    """Whether the votes at hand pass it by themselves, by the track's own rules at the close."""
    stated = {**{name: rules[name] for name in RULE}, "late": "0"}  # in force it is blocks, and no part of a period
    resolved = resolve("track", TrackRow(**stated), NO_PARAMETERS.__getitem__)
    page = next(desk.client.electorate("validators", None, 1))
    electors = Electors(power=int(page["power"]), voters=int(page["validators"]))
    powers = list(_powers(desk, voters, resolved))
    counted = [counted_power(power, electors, resolved) for power in powers if power]
    tally = Tally(yes=sum(counted), voters=len(counted))
    move, reason = judge(tally, electors, resolved)
    share = f"{100 * tally.yes // electors.power if electors.power else 0} % of power in {len(counted)} keys at hand"
    if move is Move.PASSED:
        return Finding("keys", True, f"{share}: enough to pass by themselves")
    bars = f"quorum {rules['quorum']}, threshold {rules['threshold']}"
    return Finding("keys", None, f"{share} CANNOT PASS IT ALONE ({reason}; {bars}): others must vote too")


def _powers(desk: Desk, voters: Sequence[Signer], track: Track) -> Iterator[int]:
    """What each votes: its own as a validator, and what it has delegated to validators without a key here, which would
    otherwise be counted twice; a validator not that where the track leaves it with those."""
    here = {one.text for one in voters}
    for one in voters:
        found = desk.client.elector(one.text)
        others = (int(part["power"]) for part in found["delegations"] if part["validator"] not in here)
        own = int(found["power"])
        yield own if own and track.validator_delegations == LEFT else own + sum(others)
