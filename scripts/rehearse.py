"""`synod rehearse`: the main job. A fresh chain, a governed upgrade, two that go wrong, and a report.

Exit codes, so that others can run it in their CI: 0 passed, 1 the bundle failed (the report names the check), 2 the
command was given wrongly, 3 this machine failed.
"""

from __future__ import annotations

import dataclasses
import json
import tempfile
from itertools import count
from pathlib import Path

import click

from governance.presets import PRESETS
from node.beginning import generated, imported
from node.genesis.document import Genesis
from node.genesis.generated import CHAIN_NAME, generated_genesis
from node.genesis.reading import read_genesis
from node.rehearsal.page import page
from node.rehearsal.record import Rehearsal
from node.rehearsal.story import rehearse
from node.rehearsal.text import report
from node.rehearsal.world import World
from node.settings import parse_settings
from node.upkeep import Upkeep
from runtime.bundle.archive import Bundle, pack
from runtime.bundle.template import new_bundle
from storage.errors import HomeNotEmpty

from .bundles import read
from .command import command, run
from .console import Answer, Waiting, note
from .exits import Exit

VALIDATORS = 4


@command(
    "rehearse",
    examples=(
        "synod rehearse",
        "synod rehearse --accounts 50000 --seed 7 --out /tmp/rehearsal",
        "synod rehearse --genesis genesis.json",
        "synod rehearse --preset opengov                       # under the rules of another chain's governance",
        "synod rehearse --bundle my-runtime --demo-failure",
    ),
)
@click.option(
    "--genesis",
    "genesis_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A genesis: Synod's own, or a Cosmos export (2019 layout, or SDK 0.47 and later).  [default: a generated one]",
)
@click.option(
    "--bundle",
    "bundle_path",
    type=click.Path(exists=True, path_type=Path),
    metavar="PATH",
    help="The bundle to rehearse, a folder or an archive.  [default: an example that rewrites every account]",
)
@click.option("--accounts", type=click.IntRange(VALIDATORS, 5_000_000), default=10_000, show_default=True,
              help="Accounts of a generated genesis.")  # fmt: skip
@click.option("--preset", type=click.Choice(sorted(PRESETS)),
              help="Rules of governance for a generated genesis, or another chain's.  [default: default]")  # fmt: skip
@click.option("--seed", default="1", show_default=True, help="What every key derives from; equal seeds, equal roots.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path),
              help="A new folder for chain and report.  [default: ./synod-rehearsal-N]")  # fmt: skip
@click.option("--demo-failure", is_flag=True, help="With --bundle: also play the two upgrades that go wrong.")
def command_line(
    genesis_file: Path | None,
    bundle_path: Path | None,
    accounts: int,
    preset: str | None,
    seed: str,
    out: Path | None,
    demo_failure: bool,
) -> Answer:
    """Live through a governed runtime upgrade, from proposal to activation, on a fresh chain of your own.

    Publishes a runtime bundle, deposits, votes with the validators' keys, passes voting period and timelock by
    fast-forward, rehearses and attests it on the way, takes the checkpoint, migrates, checks, activates and goes on.
    Then shows two that go wrong: one that its rehearsals find out and its gate ends, one rolled back by itself and
    replayed.

    With --preset upgrades go the way of that preset's tracks, at their real periods: `opengov` passes early and
    confirms, `tezos` votes a second time after a cooldown (some two million blocks, minutes of fast-forward), `cosmos`
    and `governor` take their own deposits, power floors and quorums. No preset's delay is below the timelock of 100,800
    blocks, in which upgrades are rehearsed and attested.

    The report stands in the terminal and in OUT/report.html and OUT/report.json; the chain itself in OUT/chain.
    """
    genesis = genesis_of(genesis_file, accounts, seed, preset)
    bundle = bundle_of(bundle_path, genesis.chain_name)
    failures = bundle_path is None or demo_failure
    folder = new_folder(out)
    world = World.create(folder / "chain", genesis)
    progress = Waiting()
    try:
        record = rehearse(world, bundle, failures, progress.at)
        Upkeep(world.home, world.application, world.solo).write_manifest()
    except KeyboardInterrupt:
        progress.end()
        note(f"{folder} holds the chain as far as it came, and no report; it may be deleted")
        raise
    finally:
        progress.end()
        world.close()
    return answer(record, folder)


def genesis_of(file: Path | None, accounts: int, seed: str, preset: str | None = None) -> Genesis:
    """The genesis to begin with, with a preset's tracks if one is named; raises what node.genesis refuses, and
    GenesisInconsistent for a preset beside a file that has tracks of its own."""
    if preset is not None:
        settings = parse_settings("", {})
        if file is None:
            return generated(settings, accounts, VALIDATORS, seed, CHAIN_NAME, preset=preset)
        return imported(settings, file.read_bytes(), seed, preset)
    if file is None:
        return generated_genesis(accounts, VALIDATORS, seed)
    return read_genesis(file.read_bytes(), seed)


def bundle_of(path: Path | None, chain: str) -> Bundle:
    """The bundle under rehearsal; the example is made for the chain at hand."""
    if path is not None:
        return read(path, chain)
    with tempfile.TemporaryDirectory() as scratch:
        example = Path(scratch) / "example"
        new_bundle(example, "example", chain)
        return pack(example, chain=chain)


def new_folder(asked: Path | None) -> Path:
    """A folder that holds nothing yet; raises HomeNotEmpty for one that does."""
    free = (Path(f"synod-rehearsal-{number}") for number in count(1))
    folder = next(one for one in free if not one.exists()) if asked is None else asked
    if folder.exists() and any(folder.iterdir()):
        raise HomeNotEmpty(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def answer(record: Rehearsal, folder: Path) -> Answer:
    """Write the report's files and say where they are."""
    data = {"passed": record.passed, "failures": record.failures, **dataclasses.asdict(record)}
    (folder / "report.html").write_text(page(record), encoding="utf-8")
    (folder / "report.json").write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    text = f"{report(record)}\n\nreport: {folder / 'report.html'}"
    return Answer(data, text, int(Exit.PASSED if record.passed else Exit.REFUSED))


if __name__ == "__main__":
    run(command_line)
