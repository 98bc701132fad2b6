"""`synod rollback`: undo the last upgrade by vote, in one command, as long as its rollback window is open.

It proposes on the emergency track (no deposit, but a proposer with power), waits until voting opens, and votes yes
with every key at hand. The upgrade itself still decides nothing: power and keys are those of the height before it.
"""

from __future__ import annotations

import click

from governance.lifecycle import Status
from governance.proposals import Rollback
from runtime.receipts import OK

from .client import Answered
from .command import command, run
from .console import Answer, columns, note
from .exits import Exit
from .proposing import propose
from .signing import Asked, Desk, desk_of, signing_options
from .voting import opened, strongest, vote_yes

NEWEST = 200
"""Proposals looked through for one that is open already."""


class NothingToRollBack(Exception):
    """No upgrade stands inside a rollback window."""

    code = "no_open_window"
    exit = Exit.REFUSED

    def __init__(self, why: str) -> None:
        super().__init__(f"{why}: propose a mended bundle instead (`synod propose upgrade`)")


@command(
    "rollback",
    examples=(
        "synod rollback                        # a rehearsal's home: all its validators vote",
        "synod rollback --from validator-0 --title 'Delegations vanish'",
        "synod rollback --from alice --no-wait # propose only; others vote with synod vote",
    ),
)
@click.option("--title", default="Roll back the last upgrade", show_default=True, help="One line for people.")
@signing_options
def command_line(title: str, asked: Asked) -> Answer:
    """Propose to undo the last upgrade, vote yes with every key at hand, and say when it takes effect at the earliest.

    The modules' tables return to the height before the upgrade, and what was sent since is run again under the old
    runtime; every transaction gets a second receipt. Governance and its history stay.

    A proposal that is open already is voted on, so the command may be repeated. With --no-wait it only proposes.
    --timeout bounds the wait for voting to open, and that for each receipt.

    Exit 0: proposed, and at least one vote counts. 1: refused, or no vote counts. 3: the time is up.
    """
    with desk_of(asked) as desk:
        window = _window(desk)
        voters = list(desk.identities.everybody())  # a key that cannot be opened is told before anything is sent
        found = _proposed(desk, window)
        if found is None:
            signer = strongest(desk, voters)
            words = {"title": title, "description": "", "track": ""}
            answer = propose(desk, signer, words, Rollback(upgrade=int(window["proposal"])), None)
            if answer.exit or not asked.wait:
                return answer
            found = answer.data["proposal"]
            note(answer.text)
        number, earliest = int(found["id"]), earliest_height(found)
        votes = vote_yes(desk, voters, opened(desk, number))
        after = desk.client.proposal(number)
        then = f"proposal {number} takes effect at height {earliest:,} at the earliest, if it passes"
        text = f"{columns(votes, ('voter', 'vote'))}\n{then}"
        counted = sum(code == OK for _, code in votes)
        data = {"proposal": after, "earliest": earliest, "votes": [{"voter": who, "code": code} for who, code in votes]}
        return Answer(data, text, Exit.PASSED if counted else Exit.REFUSED)


def earliest_height(found: Answered) -> int:
    """The first height at which an approved rollback executes: the end of its timelock, and one block to decide it."""
    what = found["proposal"]
    track = what["track"]
    steps = (int(track["delay"]), int(track["period"]), max(1, int(track["timelock"])))
    return int(what["submitted"]) + sum(steps) + 1


def _window(desk: Desk) -> Answered:
    window = desk.client.row("upgrade.window")["row"]["value"]
    if window is None:
        raise NothingToRollBack("no upgrade stands inside a rollback window")
    if int(window["rollback_at"]):
        raise NothingToRollBack(f"the rollback is decided already and happens at height {window['rollback_at']}")
    found: Answered = window
    return found


def _proposed(desk: Desk, window: Answered) -> Answered | None:
    """The rollback of this upgrade that is open already, if one is."""
    for found in desk.client.proposals("", NEWEST):
        content = found["proposal"]["content"]
        mine = content["name"] == "rollback" and content["value"]["upgrade"] == window["proposal"]
        if mine and found["standing"]["status"] in (Status.DELAY, Status.VOTING):
            return found
    return None


if __name__ == "__main__":
    run(command_line)
