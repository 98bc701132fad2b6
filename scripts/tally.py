"""`synod tally`: how a vote stands, how it would stand if, whose power that is, and who could turn it."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path

import click

from governance.ballots import ORDER
from governance.lifecycle import Status
from governance.whatif import COUNTING

from .client import Answered, asking, url_option
from .command import command, run
from .console import Answer, columns
from .identities import Identities
from .options import home_option


@command(
    "tally",
    examples=(
        "synod tally 3",
        'synod tally 3 --if "validator-2=no,quorum=0.5"        # other votes, other rules',
        'synod tally 3 --if "alice=yes=0.7,no=0.3,bob=veto"    # a split, then another voter',
        "synod tally 3 --explain                               # whose power stands behind each vote",
        "synod tally 3 --explain --delegators 100000 --json    # and with whom each silent delegator's units are",
        "synod tally 3 --flip                                  # the fewest voters who could turn it",
    ),
)
@click.argument("proposal", type=click.IntRange(1))
@click.option("--if", "supposing", default="", help="Votes and rules to suppose, NAME=VALUE, with commas between.")
@click.option("--explain", is_flag=True, help="Trace the count to every voter, validator and delegator.")
@click.option("--delegators", type=click.IntRange(0), default=1_000, show_default=True,
              help="With --explain: most delegators to list whose validators vote for them.")  # fmt: skip
@click.option("--flip", is_flag=True, help="Look for the fewest voters who could turn the outcome together.")
@home_option
@url_option
def command_line(
    proposal: int, supposing: str, explain: bool, delegators: int, flip: bool, home: Path, url: str | None
) -> Answer:
    """Show the count of a proposal in units and what its close would make of it now.

    A NAME in --if is an address, a name that stands for one, or a rule that a count depends on (quorum, turnout,
    threshold, veto, min_voters, max_individual_power_percent). A share such as 0.5 keeps a bar's own test. What --if
    supposes holds for --explain and --flip too. Delegators who have not voted stay with their validators in --flip.

    --explain tells of each voter and validator: units staked with it, of these inherited from delegators, and taken by
    those who vote themselves; what it takes out of others; the power it votes, and where that goes. All together are
    the count, and all power there is. Then of each delegator who has not voted with which validators his units are.

    Exit 0: answered. 1: no vote is open on that proposal, or a voter has no power. 2: wrong usage.
    """
    who = Identities(home)
    asked = [f"{name if name in COUNTING else who.text(name)}={value}" for name, value in suppositions(supposing)]
    with asking(home, url) as client:
        found = client.tally(proposal, asked, flip)
        traced = list(client.shares(proposal, asked, "counted")) if explain else []
        silent = list(islice(client.shares(proposal, asked, "inheriting"), delegators + 1)) if explain else []
    counts = [("now", found["now"]), *([("then", found["then"])] if asked else [])]
    open_now = Status(found["status"]).takes_votes
    text = [f"proposal {proposal}, in {found['status']}, as of height {found['height']:,}", _counts(counts, open_now)]
    if explain:
        text += [_trace(traced), _inherited(traced, silent, delegators)]
    if flip:
        text.append(_coalition(found["coalition"]))
    listed = {"shares": traced, "inheriting": silent[:delegators], "more_inheriting": len(silent) > delegators}
    return Answer({**found, **listed} if explain else found, "\n\n".join(text))


def suppositions(text: str) -> Iterator[tuple[str, str]]:
    """Names and values of ``--if``; an option's share goes on with the split before it."""
    found: list[list[str]] = []
    for word in filter(None, (one.strip() for one in text.split(","))):
        name, equals, value = (part.strip() for part in word.partition("="))
        if found and name in ORDER and equals and "=" in found[-1][1]:
            found[-1][1] += f",{word}"
        elif name in (one[0] for one in found):
            raise click.UsageError(f"--if supposes {name} twice: say it once")
        elif equals and name and value:
            found.append([name, value])
        else:
            raise click.UsageError(f"--if takes NAME=VALUE with commas between, not {word!r}")
    return ((name, value) for name, value in found)


def _counts(counts: list[tuple[str, Answered]], open_now: bool) -> str:
    rows = [(name, *(f"{int(one[name]):,}" for _, one in counts)) for name in (*ORDER, "power")]
    rows.append(("voters", *(f"{one['voters']} (at least {one['least_voters']})" for _, one in counts)))
    for name, part, bar in (
        ("turnout", "turnout", "quorum"), ("yes", "yes_share", "threshold"), ("veto", "veto_share", "veto_limit"),
    ):  # fmt: skip
        rows.append((f"{name} share", *(f"{_percent(one[part])} (bar {_percent(one[bar])})" for _, one in counts)))
    says = "the close says" if open_now else "a close would say"
    rows.append((says, *(f"{one['verdict']}: {one['reason']}" for _, one in counts)))
    return columns(rows, ("", *(name for name, _ in counts)))


def _percent(share: str) -> str:
    return f"{float(100 * Fraction(share)):.2f} %"


def _trace(traced: list[Answered]) -> str:
    head = ("address", "staked", "inherited", "taken", "delegated", "power", "uncounted", *ORDER, "vote")
    rows = []
    for one in traced:
        delegated = sum(int(part["power"]) for part in one["delegated"])
        numbers = (one["staked"], one["inherited"], one["taken"], delegated, one["power"], one["uncounted"])
        said = "-" if one["vote"] == "" else one["vote"]
        cells = [f"{int(number):,}" if number is not None else "?" for number in (*numbers, *one["parts"])]
        rows.append((one["address"], *cells, f"{said} by {one['cast_by']}" if one["cast_by"] else said))
    sums = [sum(int(one[name]) for one in traced) for name in ("power", "uncounted")]
    sums += [sum(int(one["parts"][place]) for one in traced) for place in range(len(ORDER))]
    rows.append(("together", "", "", "", "", *(f"{number:,}" for number in sums), ""))
    return columns(rows, head)


def _inherited(traced: list[Answered], silent: list[Answered], most: int) -> str:
    """Whose units validators vote, or would vote: those of delegators who have not voted, and what validators leave."""
    parts = [(one, part) for one in traced for part in one["left"]]
    parts += [(one, part) for one in silent[:most] for part in one["delegated"]]
    if not parts:
        return "no delegator who has not voted"
    rows = [(one["address"], f"{int(part['power']):,}", part["validator"], part["vote"] or "-") for one, part in parts]
    more = f"\n(the first {most:,} by address; --delegators lists more)" if len(silent) > most else ""
    return f"{columns(rows, ('delegator', 'inherited', 'by validator', 'which votes'))}{more}"


def _coalition(found: Answered | None) -> str:
    if found is None:
        return "all voters together could not turn it"
    size = len(found["members"])
    known = "no fewer could" if found["exact"] else "fewer might"
    head = f"{size} voting {found['vote']} would turn it ({found['verdict']}: {found['reason']}); {known}"
    rows = [(one["address"], f"{int(one['power']):,}", one["vote"] or "-") for one in found["members"]]
    return f"{head}\n{columns(rows, ('address', 'power', 'votes now'))}"


if __name__ == "__main__":
    run(command_line)
