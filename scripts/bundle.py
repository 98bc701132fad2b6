"""`synod bundle`: start a runtime version, check it as the chain will, see what it changes, pack it.

`check` reads everything and then loads the bundle once in a process of its own; whoever trusts nobody's code can leave
that out with `--read-only`. A bundle is compared with the runtime it will replace: the genesis runtime of this release,
or the folder or archive given with `--against`. `new` and `check` keep a typed stub of that runtime's schema in the
folder, for editors and type checkers; it is not packed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from node.genesis.generated import CHAIN_NAME
from runtime.bundle.archive import MANIFEST, Bundle, pack, unpack
from runtime.bundle.checker import check_bundle, check_upgrade
from runtime.bundle.declarations import RuntimeDeclaration
from runtime.bundle.effect import Effect
from runtime.bundle.manifest import parse_manifest
from runtime.bundle.spawn import BundleFailed, Passed, first_execution
from runtime.bundle.template import CORE, new_bundle
from storage.home import RELEASE

from .command import group, run
from .console import Answer, columns, note
from .exits import Exit
from .stub import Stub, refresh

EXISTING = click.Path(exists=True, path_type=Path)

chain_option = click.option("--chain", help="The name of the chain, if the manifest leaves it open.")
against_option = click.option(
    "--against", type=EXISTING, help="The running runtime, a folder or an archive.  [default: the genesis runtime]"
)


def read(path: Path, chain: str | None) -> Bundle:
    """The bundle in a folder or in an archive."""
    return pack(path, chain=chain) if path.is_dir() else unpack(path.read_bytes())


def declared(bundle: Bundle, chain: str | None = None) -> RuntimeDeclaration:
    """What a bundle declares; raises BundleRefused."""
    return check_bundle(bundle, chain=chain, host_release=RELEASE)


def base_of(proposed: Bundle, against: Path | None) -> Bundle:
    """The runtime to compare with; raises BundleRefused when the manifest of the proposed one cannot be read."""
    return read(against or CORE, parse_manifest(proposed.file(MANIFEST) or b"").chain or None)


def stub_in(folder: Path, running: RuntimeDeclaration) -> Stub:
    """The folder's stub, up to date; says when it was not."""
    stub = refresh(folder, running)
    if stub.text:
        note(stub.text)
    return stub


def identity(bundle: Bundle, declaration: RuntimeDeclaration) -> dict[str, Any]:
    """What names a bundle."""
    manifest = declaration.manifest
    return {
        "name": manifest.name,
        "chain": manifest.chain,
        "version": str(manifest.version),
        "code_hash": bundle.code_hash.hex(),
        "bytes": len(bundle.archive),
    }


def effect_data(effect: Effect) -> dict[str, Any]:
    """An effect for programs."""
    changes = [{"class": kind, "change": change, "subject": subject} for kind, change, subject in effect.rows()]
    return {
        "from_version": effect.from_version,
        "to_version": effect.to_version,
        "digest": effect.digest.hex(),
        "breaking": effect.breaking,
        "supply_change": effect.supply_change,
        "changes": changes,
        "invariants_kept": list(effect.invariants_kept),
    }


def effect_text(effect: Effect) -> str:
    """An effect for people."""
    verdict = "breaking: it needs the higher threshold" if effect.breaking else "safe"
    lines = [f"from {effect.from_version} to {effect.to_version}, {verdict}"]
    if effect.rows():
        lines.append(columns(effect.rows()))
    if effect.supply_change:
        lines.append(f"the migrations change the supply by {effect.supply_change:+,} units")
    kept = f"invariants kept: {', '.join(effect.invariants_kept) or 'none'}"
    return "\n".join([*lines, kept, f"effect {effect.digest.hex()}"])


@group("bundle", examples=("synod bundle new my-runtime", "synod bundle check my-runtime"))
def command_line() -> None:
    """Start, check, compare and pack a runtime version."""


@command_line.command("new", examples=("synod bundle new my-runtime", "synod rehearse --bundle my-runtime"))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--chain", default=CHAIN_NAME, show_default=True, help="The name of the chain it is for.")
@click.option("--name", help="The bundle's name.  [default: that of the folder]")
def new(folder: Path, chain: str, name: str | None) -> Answer:
    """Write a working example to a new folder: the genesis runtime, one version on, with a migration to edit."""
    new_bundle(folder, name or folder.name, chain)
    stub_in(folder, declared(pack(CORE)))
    written = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    shown = sorted(path.name for path in folder.iterdir())
    text = f"{folder}: {', '.join(shown)}\nnext: read {folder / 'README.md'}, then synod bundle check {folder}"
    return Answer({"folder": str(folder), "files": written}, text)


@command_line.command("check", examples=("synod bundle check my-runtime", "synod bundle check my-runtime --json"))
@click.argument("path", type=EXISTING)
@chain_option
@against_option
@click.option("--read-only", is_flag=True, help="Execute nothing of it, as at submission, and write nothing.")
def check(path: Path, chain: str | None, against: Path | None, read_only: bool) -> Answer:
    """Say everything that the chain would refuse, with file and line; or what the bundle would change."""
    bundle = read(path, chain)
    base = base_of(bundle, against)
    running = None if base.code_hash == bundle.code_hash else declared(base)
    stub = stub_in(path, running) if running and path.is_dir() and not read_only else None
    declaration = declared(bundle, chain)
    data, text = identity(bundle, declaration), ""
    if stub:
        data["stub"] = stub.data
    if running:
        effect = check_upgrade(running, declaration)
        data["effect"], text = effect_data(effect), effect_text(effect) + "\n"
    outcome = Passed(()) if read_only else first_execution(bundle)
    if isinstance(outcome, BundleFailed):
        data["failed"] = {"reason": outcome.reason, "detail": outcome.detail}
        return Answer(data, f"{text}it does not load: {outcome.reason}: {outcome.detail}", Exit.REFUSED)
    data["health"] = [{"module": one.module, "code": one.code, "steps": one.steps} for one in outcome.health]
    return Answer(data, f"{text}{path}: sound, code hash {bundle.code_hash.hex()}")


@command_line.command("diff", examples=("synod bundle diff my-runtime", "synod bundle diff new --against old"))
@click.argument("path", type=EXISTING)
@chain_option
@against_option
def diff(path: Path, chain: str | None, against: Path | None) -> Answer:
    """Show what a bundle changes in the runtime it would replace: tables, calls, invariants, supply."""
    bundle = read(path, chain)
    proposed = declared(bundle, chain)
    effect = check_upgrade(declared(base_of(bundle, against)), proposed)
    return Answer(effect_data(effect), effect_text(effect))


@command_line.command("pack", examples=("synod bundle pack my-runtime", "synod bundle pack my-runtime --out v2.tar"))
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@chain_option
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Where to.  [default: NAME-VERSION.tar]")
def pack_command(folder: Path, chain: str | None, out: Path | None) -> Answer:
    """Write the archive whose SHA-256 a proposal names: the same bytes on every machine."""
    bundle = pack(folder, chain=chain)
    data = identity(bundle, declared(bundle, chain))
    target = out or Path(f"{data['name']}-{data['version']}.tar")
    target.write_bytes(bundle.archive)
    return Answer({**data, "file": str(target)}, f"{target}: {len(bundle.archive):,} bytes\n{bundle.code_hash.hex()}")


if __name__ == "__main__":
    run(command_line)
