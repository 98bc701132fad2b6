"""`synod bundle`: start a runtime version, check it as the chain will, see what it changes, pack it.

`check` reads everything and then loads the bundle and runs its own tests, once, in a process without keys; whoever
trusts nobody's code can leave that out with `--read-only`. A bundle is compared with the runtime it will replace: the
one named before it, else what its chain runs if it was named by what is on chain (`scripts.bundles`), else the genesis
runtime of this release. `new` and `check` keep a typed stub of that runtime's schema in a folder, for editors and type
checkers; it is not packed.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from node.genesis.generated import CHAIN_NAME
from runtime.bundle.archive import MANIFEST, Bundle, pack
from runtime.bundle.checker import check_bundle, examine
from runtime.bundle.declarations import RuntimeDeclaration
from runtime.bundle.manifest import parse_manifest
from runtime.bundle.problems import BundleRefused, Problem
from runtime.bundle.spawn import BundleFailed, Passed, first_execution
from runtime.bundle.template import CORE, new_bundle
from storage.home import RELEASE

from .bundles import RUNNING_NAME, chain_at, is_name, named, read
from .client import url_option
from .command import group, run
from .comparison import Comparison, effect_data, effect_text, problem_data
from .console import Answer, note
from .exits import Exit
from .options import NewFile, home_option
from .stub import Stub, refresh
from .uncommitted import uncommitted, warning

chain_option = click.option("--chain", help="The name of the chain, if the manifest leaves it open.")
bundles_argument = click.argument(
    "bundles", nargs=-1, required=True, metavar="[OLD] NEW", callback=lambda _, __, given: _at_most_two(given)
)


ALREADY_RUNNING = Problem("already_running", MANIFEST, 0, "this bundle runs already; change it, or wait")


def _at_most_two(given: tuple[str, ...]) -> tuple[str, ...]:
    if len(given) > 2:
        raise click.UsageError("name the running bundle and the proposed one, or the proposed one alone")
    for word in given:
        if not is_name(word) and not Path(word).exists():
            raise click.UsageError(f"{word} is no folder, no archive, and no name of a bundle on chain")
    return given


def declared(bundle: Bundle, chain: str | None = None) -> RuntimeDeclaration:
    """What a bundle declares; raises BundleRefused."""
    return check_bundle(bundle, chain=chain, host_release=RELEASE)


@dataclass(frozen=True, slots=True)
class Pair:
    """The runtime that is replaced and the bundle that would replace it."""

    old: Bundle
    new: Bundle
    chain: str | None
    """The name of the chain that both are for; None where nothing says it."""

    @property
    def running(self) -> RuntimeDeclaration:
        """What the old one declares; that it may run on its chain is not asked again."""
        return check_bundle(self.old, chain=None, host_release=None)


def pair_of(bundles: tuple[str, ...], chain: str | None, home: Path, url: str | None) -> Pair:
    """The two that are meant. A folder's manifest that names no chain is for the other's; raises BundleRefused when a
    manifest cannot be read."""
    with ExitStack() as stack:
        on_chain = stack.enter_context(chain_at(home, url)) if any(map(is_name, bundles)) else None

        def found(word: str, of_chain: str | None) -> Bundle:
            if on_chain is not None and is_name(word):
                return named(on_chain, word)
            return read(Path(word), of_chain)

        if len(bundles) == 2 or on_chain is not None:
            old = found(bundles[0] if len(bundles) == 2 else RUNNING_NAME, chain)
            chain = chain or chain_of(old)
            return Pair(old, found(bundles[-1], chain), chain)
        new = found(bundles[0], chain)
        return Pair(pack(CORE, chain=chain_of(new)), new, chain)


def chain_of(bundle: Bundle) -> str | None:
    """The chain that a bundle's manifest names."""
    return parse_manifest(bundle.file(MANIFEST) or b"").chain or None


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


@group("bundle", examples=("synod bundle new my-runtime", "synod bundle check my-runtime"))
def command_line() -> None:
    """Start, check, compare and pack a runtime version."""


@command_line.command("new", examples=("synod bundle new my-runtime", "synod rehearse --bundle my-runtime"))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--chain", default=CHAIN_NAME, show_default=True, help="The name of the chain it is for.")
@click.option("--name", help="The bundle's name.  [default: that of the folder]")
def new(folder: Path, chain: str, name: str | None) -> Answer:
    """Write a working example to a new folder: the genesis runtime, one version on, with a migration to edit."""
    new_bundle(folder, name or folder.resolve().name, chain)
    stub_in(folder, declared(pack(CORE)))
    written = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    shown = sorted(path.name for path in folder.iterdir())
    text = f"{folder}: {', '.join(shown)}\nnext: read {folder / 'README.md'}, then synod bundle check {folder}"
    return Answer({"folder": str(folder), "files": written}, text)


@command_line.command(
    "check",
    examples=("synod bundle check my-runtime", "synod bundle check old-runtime my-runtime --read-only",
              "synod bundle check running my-runtime"),
)  # fmt: skip
@bundles_argument
@chain_option
@click.option("--read-only", is_flag=True, help="Execute nothing of it, as at submission, and write nothing.")
@home_option
@url_option
def check(bundles: tuple[str, ...], chain: str | None, read_only: bool, home: Path, url: str | None) -> Answer:
    """Say everything that the chain would refuse when NEW is proposed while OLD runs, with file, line and reason; or
    what NEW would change.

    Exit 1: it would be refused, does not load, or fails a test of its own.
    """
    pair = pair_of(bundles, chain, home, url)
    bundle, path, same = pair.new, Path(bundles[-1]), pair.old.code_hash == pair.new.code_hash
    if same and len(bundles) == 2:
        raise BundleRefused([ALREADY_RUNNING])
    running = None if same else pair.running
    writes = running is not None and path.is_dir() and not is_name(bundles[-1]) and not read_only
    stub = stub_in(path, running) if writes and running is not None else None
    if running is None:
        data, text = identity(bundle, declared(bundle, pair.chain)), ""
    else:
        declaration, effect = examine(bundle, running, chain=pair.chain, host_release=RELEASE)
        data, text = {**identity(bundle, declaration), "effect": effect_data(effect)}, effect_text(effect) + "\n"
    if stub:
        data["stub"] = stub.data
    data["uncommitted"] = () if read_only or is_name(bundles[-1]) else uncommitted(bundle, path)
    if loose := warning(data["uncommitted"]):
        note(loose)
    outcome = Passed((), 0) if read_only else first_execution(bundle)
    if isinstance(outcome, BundleFailed):
        data["failed"] = {"reason": outcome.reason, "detail": outcome.detail}
        what = "its own test fails" if outcome.reason == "test_failed" else f"it does not load: {outcome.reason}"
        return Answer(data, f"{text}{what}: {outcome.detail}", Exit.REFUSED)
    data["health"] = [{"module": one.module, "code": one.code, "steps": one.steps} for one in outcome.health]
    data["tests"] = outcome.tests
    ran = f", own tests passed: {outcome.tests}" if outcome.tests else ""
    return Answer(data, f"{text}{bundles[-1]}: sound{ran}, code hash {bundle.code_hash.hex()}")


@command_line.command(
    "diff",
    examples=("synod bundle diff my-runtime", "synod bundle diff running 3", "synod bundle diff old-runtime new.tar"),
)
@bundles_argument
@chain_option
@home_option
@url_option
def diff(bundles: tuple[str, ...], chain: str | None, home: Path, url: str | None) -> Answer:
    """Show all that changes from OLD to NEW: manifest, tables, calls, invariants, effect, and sources line by line.

    Exit 1: the chain would refuse NEW while OLD runs; what changes is shown all the same, with why.
    """
    pair = pair_of(bundles, chain, home, url)
    running = pair.running
    comparison = Comparison(pair.old, pair.new, running, check_bundle(pair.new, chain=None, host_release=None))
    problems: tuple[Problem, ...] = ()
    if pair.old.code_hash == pair.new.code_hash:
        problems = (ALREADY_RUNNING,) if len(bundles) == 2 else ()
    else:
        try:
            examine(pair.new, running, chain=pair.chain, host_release=RELEASE)
        except BundleRefused as refused:
            problems = refused.problems
    data = {
        "old": pair.old.code_hash.hex(),
        "new": pair.new.code_hash.hex(),
        **comparison.data(),
        "refused": [problem_data(one) for one in problems],
    }
    lines = [comparison.text(), *(f"refused: {one}" for one in problems)]
    return Answer(data, "\n".join(lines), Exit.REFUSED if problems else Exit.PASSED)


@command_line.command("pack", examples=("synod bundle pack my-runtime", "synod bundle pack my-runtime --out v2.tar"))
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@chain_option
@click.option("--out", type=NewFile(), help="To which new file.  [default: NAME-VERSION.tar]")
def pack_command(folder: Path, chain: str | None, out: Path | None) -> Answer:
    """Write the archive whose SHA-256 a proposal names: the same bytes on every machine."""
    bundle = pack(folder, chain=chain)
    data = identity(bundle, declared(bundle, chain))
    target = out or NewFile().convert(f"{data['name']}-{data['version']}.tar", None, None)
    target.write_bytes(bundle.archive)
    return Answer({**data, "file": str(target)}, f"{target}: {len(bundle.archive):,} bytes\n{bundle.code_hash.hex()}")


if __name__ == "__main__":
    run(command_line)
