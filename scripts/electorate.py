"""`synod electorate`: who may vote, for how much, as of which height."""

from __future__ import annotations

from pathlib import Path

import click

from .client import Answered, Client, asking, url_option
from .command import command, run
from .console import Answer, columns
from .identities import Identities
from .options import home_option


@command(
    "electorate",
    examples=(
        "synod electorate                          # validators, now",
        "synod electorate --proposal 3             # by the height at which voting on proposal 3 began",
        "synod electorate --delegators --limit 100",
        "synod electorate alice --proposal 3       # one voter, delegation by delegation",
    ),
)
@click.argument("who", metavar="[NAME|ADDRESS]", required=False)
@click.option("--proposal", type=click.IntRange(1), help="By the electorate of this open vote.")
@click.option("--delegators", is_flag=True, help="Those who delegate, instead of validators.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Most of them shown.")
@home_option
@url_option
def command_line(
    who: str | None, proposal: int | None, delegators: bool, limit: int, home: Path, url: str | None
) -> Answer:
    """List who may vote, or show one voter.

    A validator votes with all that is staked with it, less what its delegators vote themselves: power says the former,
    delegated what a voter takes out of others. A vote counts by the height before its first block; without --proposal
    the last height is shown.

    Exit 0: answered. 1: no vote is open on that proposal. 2: wrong usage.
    """
    with asking(home, url) as client:
        if who is not None:
            return _one(client, Identities(home).text(who), proposal)
        pages = list(client.electorate("delegators" if delegators else "validators", proposal, limit))
    first, electors = pages[0], [one for page in pages for one in page["electors"]]
    whole = int(first["power"])
    rows = [(one["address"], *_powers(one, whole)) for one in electors]
    head = f"as of height {first['height']:,}: {whole:,} units of power with {first['validators']:,} validators"
    more = f"\n(the first {limit})" if pages[-1]["next"] else ""
    text = f"{head}\n{columns(rows, ('address', 'power', 'delegated', 'of all'))}{more}"
    return Answer({**first, "electors": electors, "next": pages[-1]["next"]}, text)


def _one(client: Client, address: str, proposal: int | None) -> Answer:
    found = client.elector(address, proposal)
    rows = [("power as a validator", f"{int(found['power']):,}"), ("delegated", f"{int(found['delegated']):,}")]
    rows += [(f"  with {one['validator']}", f"{int(one['power']):,}") for one in found["delegations"]]
    rows.append(("proxy", found["proxy"] or "none"))
    return Answer(found, f"{address}\n{columns(rows)}")


def _powers(one: Answered, whole: int) -> tuple[str, str, str]:
    power, delegated = int(one["power"]), int(one["delegated"])
    share = f"{100 * (power + delegated) / whole:.2f} %" if whole else ""
    return f"{power:,}", f"{delegated:,}", share


if __name__ == "__main__":
    run(command_line)
