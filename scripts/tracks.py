"""`synod tracks`: the rules that proposals are decided by, as the chain has them now.

A vote changes them (`synod propose tracks`); a proposal keeps those that it began under.
"""

from __future__ import annotations

from pathlib import Path

import click

from governance.bars import TEN_THOUSAND, Moment, Ratio, share_at
from governance.ruletext import read_bar
from governance.tracks import RULE, Kind

from .client import Answered, asking, url_option
from .command import command, run
from .console import Answer, columns
from .options import home_option

SHORT = ("delay", "period", "confirm", "timelock", "quorum", "threshold", "veto", "deposit")
"""Rules that the table of all tracks shows."""


@command("tracks", examples=("synod tracks", "synod tracks emergency", "synod tracks --json"))
@click.argument("name", required=False)
@home_option
@url_option
def command_line(name: str | None, home: Path, url: str | None) -> Answer:
    """Show every track with its chief rules, or all rules of the track NAME with their meaning.

    Periods are in blocks, deposits in units; the kinds are those of the proposals that may take a track.
    """
    with asking(home, url) as client:
        found = client.tracks()
    if name is None:
        header = ("track", *SHORT, "kinds")
        rows = [
            (one["name"], *(_shown(rule, one["in_force"][rule]) for rule in SHORT), _kinds(found, one["name"]))
            for one in found["tracks"]
        ]
        return Answer(found, columns(rows, header))
    track = next((one for one in found["tracks"] if one["name"] == name), None)
    if track is None:
        known = ", ".join(one["name"] for one in found["tracks"])
        raise click.UsageError(f"there is no track {name}: take one of {known}")
    return Answer(track, f"track {name}, for {_kinds(found, name)}\n{_rules(found, track)}")


def _shown(rule: str, value: str) -> str:
    return bar_text(value) if RULE[rule].kind is Kind.BAR else value


def bar_text(text: str) -> str:
    """A bar as it is written where it is constant, else where it begins and where it ends."""
    bar = read_bar(text)
    if isinstance(bar.curve.value, Ratio):
        return text
    ends = (share_at(bar, Moment(0, 1, 0)), share_at(bar, Moment(1, 1, TEN_THOUSAND)))
    first, last = (f"{100 * share.part / share.whole:.4g} %" for share in ends)
    return f"{bar.test} {first} to {last} ({text.split(' ')[1]})"


def _kinds(found: Answered, name: str) -> str:
    return ", ".join(kind for kind, names in found["routes"].items() if name in names) or "no proposal of its own"


def _rules(found: Answered, track: Answered) -> str:
    header = ("rule", "is", "from", "what it is")
    rows = [
        (rule, _shown(rule, track["in_force"][rule]) or "-", _source(text, track, rule), found["meanings"][rule])
        for rule, text in track["rules"].items()
    ]
    return columns(rows, header)


def _source(text: str, track: Answered, rule: str) -> str:
    """What the row says, where it is not the value itself: a parameter's name, or the numbers of a curve."""
    return "" if text == _shown(rule, track["in_force"][rule]) else text


if __name__ == "__main__":
    run(command_line)
