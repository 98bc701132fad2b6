"""`synod import`: another chain's genesis read, counted, and made into one of ours.

Formats are adapters (node/genesis): a Cosmos Hub export of 2019, today's Cosmos SDK layout, and Synod's own document.
Nobody has a foreign chain's keys, so every account and validator gets a substitute that follows from the seed, and
the chain another id: nothing made here could count there.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from governance.presets import PRESETS
from node.beginning import begin, imported, settings_text
from node.genesis.document import Genesis
from node.settings import parse_settings

from .command import command, run
from .console import Answer, Progress, columns
from .options import NewFile

SUMS = ("accounts", "validators", "unbonding", "community_pool", "faucet")
"""What the supply is the sum of."""


@command(
    "import",
    examples=(
        "synod import cosmoshub-2-genesis.json                     # only look",
        "synod import cosmoshub-2-genesis.json --out genesis.json  # for init, rehearse and others",
        "synod import genesis.json --seed friday --home hub        # a home, ready for synod start",
        "synod import cosmoshub-2-genesis.json --preset cosmos --home hub   # then synod tally 5 --explain",
    ),
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--seed", default="1", show_default=True, help="What substitute keys derive from.")
@click.option("--preset", type=click.Choice(sorted(PRESETS)),
              help="Rules for proposals made here; `cosmos`: those of the export.  [default: default]")  # fmt: skip
@click.option("--out", type=NewFile(), help="Write Synod's genesis document to this new file.")
@click.option("--home", type=click.Path(file_okay=False, path_type=Path), help="Begin the chain in this new folder.")
def command_line(file: Path, seed: str, preset: str | None, out: Path | None, home: Path | None) -> Answer:
    """Read a genesis FILE and print its counts and sums; with --out or --home, make it a chain of yours.

    Reads Synod's own document, a Cosmos Hub export of 2019, or one of Cosmos SDK 0.47 and later. Chain parameters
    stated in the environment (SYNOD_UPGRADE_VOTING_PERIOD=20) are written into an imported genesis.

    Of a Cosmos chain, its open proposals come over with their deposits and votes, and are open from the first block on.
    They keep the rules of the export they began under whatever --preset says, and close at the first height at or after
    their time, of 6 seconds a block; whoever has voted may change the vote until then. They are words alone: one that
    would act says so and changes nothing.

    Exit 0: read. 2: the file is not a genesis that adds up, and the error names the place; or --out exists.
    3: this machine.
    """
    progress = Progress(f"reading {file.name}")
    settings = parse_settings("", os.environ)
    genesis = imported(settings, file.read_bytes(), seed, preset)
    progress.at(len(genesis.accounts), "accounts")
    data = summary(genesis)
    lines = [_text(genesis, data)]
    if out is not None:
        out.write_bytes(genesis.canonical())
        lines.append(f"written: {out}")
    if home is not None:
        made, head = begin(home, genesis, settings_text(settings))
        data |= {"home": str(made.root), "app_root": head.app_root.hex()}
        lines.append(f"app root {head.app_root.hex()}\nnext: synod start --home {made.root}")
    progress.end()
    return Answer(data | ({"out": str(out)} if out else {}), "\n".join(lines))


def summary(genesis: Genesis) -> dict[str, Any]:
    """What a genesis holds: counts, and the coins of each part; both add up or the document had been refused."""
    locked = sum(one.locked for one in genesis.vesting)
    sums = {
        "accounts": sum(one.balance for one in genesis.accounts) + locked,
        "validators": sum(one.tokens for one in genesis.validators),
        "unbonding": sum(one.coins for one in genesis.unbonding),
        "community_pool": genesis.community_pool,
        "faucet": genesis.faucet.coins if genesis.faucet else 0,
    }
    counts = {
        "accounts": len(genesis.accounts),
        "substitute_keys": sum(one.substitute for one in genesis.accounts),
        "vesting": len(genesis.vesting),
        "validators": len(genesis.validators),
        "bonded": sum(one.bonded for one in genesis.validators),
        "delegations": len(genesis.delegations),
        "unbonding": len(genesis.unbonding),
        "deposits": len(genesis.deposits),
        "open_proposals": len(genesis.proposals),
        "votes": sum(len(one.votes) for one in genesis.proposals),
    }
    return {
        "chain_id": genesis.chain_id,
        "chain_name": genesis.chain_name,
        "layout": genesis.source.layout,
        "source_chain": genesis.source.chain,
        "genesis": genesis.digest.hex(),
        "counts": counts,
        "sums": {name: str(coins) for name, coins in sums.items()},
        "locked": str(locked),
        "supply": str(genesis.supply),
        "notes": list(genesis.source.notes),
    }


def _text(genesis: Genesis, data: dict[str, Any]) -> str:
    counts = [(name.replace("_", " "), f"{count:,}") for name, count in data["counts"].items()]
    sums = [(f"coins: {name.replace('_', ' ')}", f"{int(data['sums'][name]):,}") for name in SUMS]
    sums.insert(1, ("  of these locked", f"{int(data['locked']):,}"))
    head = [("chain", genesis.chain_id), ("layout", genesis.source.layout), ("genesis", data["genesis"])]
    notes = "".join(f"\nnote: {one}" for one in genesis.source.notes)
    return columns([*head, *counts, *sums, ("supply", f"{genesis.supply:,}")]) + notes


if __name__ == "__main__":
    run(command_line)
