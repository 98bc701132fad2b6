"""`synod init`: a new home, its chain at height 0, ready for `synod start`.

Settings come from --settings (which becomes the home's synod.toml) and the environment; without a file, the home gets
one that shows every key, those in force that the environment states for the chain. The chain's own rules are fixed
here: later a vote changes them, not the file.
"""

from __future__ import annotations

import os
from pathlib import Path

import click
from pydantic import ValidationError

from governance.presets import PRESETS
from node.beginning import begin, generated, imported, settings_text
from node.genesis.document import Genesis, digest_of
from node.settings import ChainSettings, load_settings, parse_settings
from runtime.address import address_text
from storage.home import Home

from .command import command, run
from .console import Answer, Progress, columns
from .options import home_option


def _chain_name(_: click.Context, __: click.Parameter, given: str | None) -> str | None:
    try:
        return given if given is None else ChainSettings(name=given).name
    except ValidationError:
        raise click.BadParameter("a chain's name has 1 to 32 of a-z, 0-9 and '-', and begins with a letter") from None


@command(
    "init",
    examples=(
        "synod init",
        "synod init --home /tmp/node --accounts 1000 --validators 7 --seed demo",
        "synod init --guardian 9     # account-9 may pause the chain at once",
        "synod init --preset opengov      # `synod tracks` shows its rules",
        "synod init --genesis cosmoshub-2-genesis.json --preset cosmos   # its open proposals, and its rules",
        "SYNOD_UPGRADE_VOTING_PERIOD=20 SYNOD_CHAIN_BLOCK_INTERVAL_MS=200 synod init --home /tmp/quick",
    ),
)
@home_option
@click.option("--genesis", "genesis_file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="A genesis: Synod's own, or a Cosmos export.  [default: a generated one]")  # fmt: skip
@click.option("--accounts", type=click.IntRange(1, 5_000_000), default=100, show_default=True,
              help="Accounts of a generated genesis.")  # fmt: skip
@click.option("--validators", type=click.IntRange(1, 1_000), default=4, show_default=True,
              help="Validators of a generated genesis.")  # fmt: skip
@click.option("--seed", default="1", show_default=True, help="What every key derives from; equal seeds, equal roots.")
@click.option("--guardian", type=click.IntRange(0), metavar="NUMBER",
              help="Account of a generated genesis that may cancel, pause and isolate.  [default: none]")  # fmt: skip
@click.option("--preset", type=click.Choice(sorted(PRESETS)),
              help="The rules of decision to begin with; votes change them.  [default: default]")  # fmt: skip
@click.option("--chain-name", callback=_chain_name, help="The name that bundles state.  [default: `name` in [chain]]")
@click.option("--settings", "settings_file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="A settings file to begin with; it becomes the home's.")  # fmt: skip
def command_line(
    home: Path,
    genesis_file: Path | None,
    accounts: int,
    validators: int,
    seed: str,
    guardian: int | None,
    preset: str | None,
    chain_name: str | None,
    settings_file: Path | None,
) -> Answer:
    """Begin a chain in a new folder: settings, genesis, state at height 0.

    Keys derive from the seed, so that this one machine can sign for every validator and account. [chain] and [upgrade]
    of the settings become the chain's own rules here; afterwards only a vote changes them.

    A Cosmos export brings its open proposals, deposits and votes (see `synod import`). They keep the rules of that
    export beside any --preset; with `cosmos` proposals made here are decided by them too.
    """
    if genesis_file is not None and guardian is not None:
        raise click.UsageError("a genesis file says itself who its guardian is, under `guardian`")
    settings = load_settings(settings_file, os.environ) if settings_file else parse_settings("", os.environ)
    given = settings_file.read_text(encoding="utf-8") if settings_file else ""
    if genesis_file is None:
        making = Progress("making accounts and their keys")
        name = chain_name or settings.chain.name
        genesis = generated(settings, accounts, validators, seed, name, guardian, preset or "default", making.of)
        making.end()
    else:
        genesis = imported(settings, genesis_file.read_bytes(), seed, preset)
    writing = Progress("writing the state")
    made, head = begin(home, genesis, given or settings_text(settings), writing.of)
    writing.end()
    return answer(made, genesis, head.app_root)


def answer(home: Home, genesis: Genesis, app_root: bytes) -> Answer:
    """What was made."""
    bonded = sum(one.bonded for one in genesis.validators)
    data = {
        "home": str(home.root),
        "chain_id": genesis.chain_id,
        "chain_name": genesis.chain_name,
        "genesis": digest_of(home.genesis_file.read_bytes()),
        "app_root": app_root,
        "accounts": len(genesis.accounts),
        "validators": len(genesis.validators),
        "bonded": bonded,
        "supply": str(genesis.supply),
        "guardian": None if genesis.guardian is None else address_text(genesis.guardian),
        "notes": list(genesis.source.notes),
    }
    rows = [
        ("chain", genesis.chain_id),
        ("home", str(home.root)),
        ("accounts", f"{len(genesis.accounts):,}"),
        ("validators", f"{len(genesis.validators):,} ({bonded:,} bonded)"),
        ("supply", f"{genesis.supply:,}"),
        ("guardian", "none" if genesis.guardian is None else address_text(genesis.guardian)),
        ("app root", app_root.hex()),
    ]
    notes = "".join(f"\nnote: {note}" for note in genesis.source.notes)
    return Answer(data, f"{columns(rows)}{notes}\n\nnext: synod start --home {home.root}")


if __name__ == "__main__":
    run(command_line)
