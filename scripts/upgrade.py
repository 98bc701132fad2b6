"""`synod upgrade`: one's own chain from a bundle to a verified upgrade, in one command.

Backup, activation, checks and the way back are the chain's own work at A and in probation; this command brings it
there and watches: the checklist, the proposal, yes with every key at hand, the wait, and the checks after. It keeps
nothing of its own. Whatever stops it, the chain goes on, and the same command finds the proposal again by its bundle.
"""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import click

from governance.lifecycle import Status
from node.errors import NodeUnreachable
from runtime.plans import CLOSED, ENDS_OF_WAITING, EXECUTED, ROLLED_BACK, VERIFIED

from .bundles import EXISTING, read
from .client import Answered
from .command import command, run
from .comparison import effect_text
from .console import Answer, Waiting, columns, note
from .exits import Exit
from .findings import all_passed, findings_data, findings_text
from .identities import Signer
from .pace import OwnPace
from .propose import words_options
from .proposing_upgrade import Examined, propose_upgrade
from .readiness import checks_before
from .signing import POLL_FIRST, Asked, Desk, StillWaiting, desk_of
from .upgrade_end import ended, verified, went_wrong
from .voting import POLL, strongest, vote_yes

NEWEST = 200
"""Proposals, and lines of the history, that are looked through."""
GOOD = frozenset({VERIFIED, CLOSED})
BAD = (ENDS_OF_WAITING - {EXECUTED}) | {ROLLED_BACK}


@command(
    "upgrade",
    examples=(
        "synod upgrade --bundle my-runtime                  # a rehearsal's home: all its validators vote",
        "synod upgrade --bundle my-runtime --check-only",
        "synod upgrade --bundle my-runtime-2.0.0.tar --fast-forward   # its node does not run yet",
    ),
)
@click.option("--bundle", "path", type=EXISTING, required=True, help="The bundle: a folder, or a packed archive.")
@click.option("--check-only", is_flag=True, help="Go through the checklist and propose nothing.")
@click.option("--fast-forward", is_flag=True, help="Run the home's node here, with blocks as fast as they can be made.")
@click.option("--within", type=click.FloatRange(0), help="Seconds to wait for the end.  [default: as long as it takes]")
@words_options
def command_line(
    path: Path,
    check_only: bool,
    fast_forward: bool,
    within: float | None,
    words: dict[str, str],
    deposit: int | None,
    asked: Asked,
) -> Answer:
    """Check an upgrade, propose it, vote yes with every key at hand, see it through probation, and check after.

    The chain takes the checkpoint, flips, and goes back by itself when a check fails; the answer says how long that
    kept it waiting. A proposal of the same bundle that is open already is gone on with, so the command may be repeated,
    and interrupted.

    Exit 0: verified, and every check after passed. 1: refused, rejected, failed, or gone back; it names the incident.
    3: --within is over, or this machine failed.
    """
    if fast_forward and (asked.url is not None or not asked.wait):
        raise click.UsageError("--fast-forward runs the home's own node until the end: leave out --url and --no-wait")
    with _paced(asked, fast_forward) as pace, desk_of(asked) as desk:
        voters = list(desk.identities.everybody())
        number = None if check_only else _known(desk, path)
        if number is None:
            signer = strongest(desk, voters)
            found = Examined.of(desk, path)
            before = list(checks_before(desk, found, voters, signer, words["track"]))
            text = f"{effect_text(found.effect)}\n{findings_text(before)}"
            ready = all_passed(before)
            if check_only or not ready:
                data = {"passed": ready, "checks": findings_data(before)}
                return Answer(data, text, Exit.PASSED if ready else Exit.REFUSED)
            note(text)
            answer = propose_upgrade(desk, signer, found, words, deposit, None, None)
            if answer.exit or not asked.wait:
                return answer
            note(answer.text)
            number = int(answer.data["proposal"]["id"])
        else:
            note(f"proposal {number} is of this bundle: going on with it")
        try:
            return _seen_through(desk, voters, number, within, pace)
        except (KeyboardInterrupt, StillWaiting, NodeUnreachable):
            goes_on = "stands still as its node does" if fast_forward else "goes on by itself as long as its node runs"
            note(f"proposal {number} {goes_on}; the same command goes on with it")
            raise


def _paced(asked: Asked, fast_forward: bool) -> AbstractContextManager[OwnPace]:
    """The pace of the node that is asked; where it is to be fast, the home's own is run for it."""
    if not fast_forward:
        return nullcontext(OwnPace())
    from .fast_forward import fast_forwarded  # late: a whole node comes with it

    return fast_forwarded(asked.home)


def _known(desk: Desk, path: Path) -> int | None:
    """The newest proposal of this bundle that is open, or that brought what runs now."""
    client = desk.client
    code_hash = read(path, str(client.identity()["chain_name"])).code_hash.hex()
    runs = client.status()["runtime"]["code_hash"]
    for found in client.proposals("", NEWEST):
        status = Status(found["standing"]["status"])
        if found["proposal"]["content"]["name"] != "runtime_upgrade" or found["proposal"]["bundle"] != code_hash:
            continue
        if not status.is_final or (status is Status.EXECUTED and runs == code_hash):
            return int(found["id"])
    return None


def _seen_through(desk: Desk, voters: list[Signer], number: int, within: float | None, pace: OwnPace) -> Answer:
    """Vote when that counts, wait for the end, and check; where the track asks for a second vote, through both."""
    votes: list[tuple[str, str]] = []
    waiting, deadline = Waiting(), None if within is None else time.monotonic() + within
    pause, before = POLL_FIRST, None
    try:
        while True:
            found, line = desk.client.proposal(number), _newest_line(desk, number)
            status = Status(found["standing"]["status"])
            if line is not None and line["entry"]["kind"] in GOOD | BAD:
                return verified(desk, found, line) if line["entry"]["kind"] in GOOD else went_wrong(desk, found, line)
            if status.is_final and status is not Status.EXECUTED:
                return ended(found)
            if second := int(found["standing"]["goes_on"]):
                number, votes = second, []
                note(f"approved: goes on as proposal {number}, which is voted on once more")
                continue
            if status.takes_votes and not votes:
                votes = vote_yes(desk, voters, found, pace)
                note(columns(votes, ("voter", "vote")))
            height, (what, aim) = int(desk.client.status()["height"]), _next(desk, found, status)
            if deadline is not None and time.monotonic() >= deadline:
                raise StillWaiting(f"proposal {number} waits for height {aim:,} ({what})", within or 0, "--within")
            waiting.at(f"{what}, height", height, aim)
            pace.advance(max(aim, height + 1))
            pause = min(1.5 * pause, POLL) if before == status else POLL_FIRST
            before = status
            time.sleep(pause)
    finally:
        waiting.end()


def _newest_line(desk: Desk, number: int) -> Answered | None:
    """The newest line of the upgrade history about the plan that a proposal made; a rollback's names another one."""
    lines = desk.client.upgrades(NEWEST)
    plan = next((one["plan"] for one in lines if int(one["entry"]["proposal"]) == number
                 and one["entry"]["kind"] != ROLLED_BACK), None)  # fmt: skip
    return None if plan is None else next(one for one in lines if one["plan"] == plan)


def _next(desk: Desk, found: Answered, status: Status) -> tuple[str, int]:
    """What is waited for, and the height at which it comes; a place, with the next proposal's move at the earliest."""
    if status is Status.EXECUTED:
        window = desk.client.row("upgrade.window")["row"]["value"]
        if window is not None:
            return "probation", int(window["probation_until"]) + 1
    due = int(found["standing"]["due"])
    if status is Status.DELAY and not due:
        pulse = desk.client.row("governance.pulse")["row"]["value"]
        return "a place in voting", int(pulse["next_due"])
    return "the vote opens" if status is Status.DELAY else str(status), due


if __name__ == "__main__":
    run(command_line)
