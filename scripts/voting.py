"""What commands share that propose and vote in one: who proposes, when the vote is open, and yes with every key."""

from __future__ import annotations

import time

from governance.lifecycle import Status
from runtime.receipts import OK

from .client import Answered, NodeProblem
from .console import Progress
from .identities import Signer
from .pace import OwnPace
from .signing import Desk, KeyNotOfAccount, StillWaiting
from .vote import cast

POLL = 0.3
"""Seconds between two looks at a proposal that waits."""


def strongest(desk: Desk, voters: list[Signer]) -> Signer:
    """Who was asked to sign, else the voter with the most power, who meets a track's floor if any does."""

    def power(signer: Signer) -> int:
        rows = list(desk.client.rows("governance.power", (signer.text,)))
        return int(rows[-1]["value"]["power"]) if rows else 0

    if desk.asked.sender is not None or not voters:
        return desk.signer()
    return max(voters, key=power)


def opened(desk: Desk, number: int) -> Answered:
    """The proposal, once votes on it count; raises StillWaiting when the time is up."""
    progress, deadline = Progress("waiting for the vote to open, height"), time.monotonic() + desk.asked.timeout
    try:
        while (found := desk.client.proposal(number))["standing"]["status"] == Status.DELAY:
            if time.monotonic() >= deadline:
                due = found["standing"]["due"]
                raise StillWaiting(f"voting on proposal {number} opens after height {due}", desk.asked.timeout)
            progress.at(desk.client.status()["height"], f"of {found['standing']['due']}")
            time.sleep(POLL)
    finally:
        progress.end()
    return found


def vote_yes(
    desk: Desk, voters: list[Signer], found: Answered, pace: OwnPace | None = None
) -> list[tuple[str, str]]:
    """Who voted yes and what became of it; a key without power is told and no failure."""
    sent: list[tuple[str, str]] = []
    refused: list[tuple[str, str]] = []
    with (pace or OwnPace()).together():
        for signer in voters:
            try:
                sent.append((signer.name, cast(desk, signer, found, "yes")))
            except (NodeProblem, KeyNotOfAccount) as no:
                refused.append((signer.name, no.code))
    receipts = [(name, desk.receipt(one)) for name, one in sent]
    return [*((name, one["reason"] or OK) for name, one in receipts), *refused]
