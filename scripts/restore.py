"""`synod restore`: put a home back to a checkpoint, or begin a new chain from it.

Going back loses nothing but blocks: what the restore replaces is kept in the home's `replaced`, from where `synod
restore replaced` puts it back, and a restore that would overwrite a higher state there is refused. The last-signed
record stays, so that no height is ever signed twice. The new chain is node/new_chain.py's.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import click

from node.new_chain import NewChain, begin_new_chain
from node.settings import documentation
from storage import restore
from storage.checkpoint import Checkpoint
from storage.errors import StoreFault
from storage.headfile import read_head
from storage.home import Home
from storage.module_backup import share
from storage.signing import LastSigned

from .checkpoint import described, found_checkpoint
from .command import command, run
from .console import Answer, Progress, columns, note
from .exits import Exit
from .options import home_option


class NewChainOptions(Exception):
    """Options of a new chain were given without asking for one."""

    code = "new_chain_options"
    exit = Exit.USAGE

    def __init__(self) -> None:
        super().__init__("--chain-id and --into are for --as-new-chain: add that, or leave them out")


class HigherKept(Exception):
    """The next restore would overwrite the highest state that there is."""

    code = "higher_kept"
    exit = Exit.REFUSED

    def __init__(self, kept: Checkpoint) -> None:
        super().__init__(
            f"{kept.path} keeps height {kept.height:,}, above where the home stands, and a restore would overwrite it: "
            "put it back with `synod restore replaced`, or move that folder out of the home"
        )
        self.height = kept.height


REPLACED = "replaced"
"""What names the state that the last restore replaced."""


@command(
    "restore",
    examples=(
        "synod restore latest",
        "synod restore 14400 --home my-home",
        "synod restore replaced                      # put back what the last restore replaced",
        "synod restore latest --as-new-chain",
        "synod restore 14400 --as-new-chain --chain-id after-the-accident --into new-home",
    ),
)
@click.argument("which", metavar="NAME|HEIGHT|FOLDER|latest|replaced")
@click.option("--as-new-chain", is_flag=True, help="Leave the home alone; begin a new chain from the checkpoint.")
@click.option("--chain-id", help="The new chain's id.  [default: made from the old one, the height, and chance]")
@click.option("--into", type=click.Path(file_okay=False, path_type=Path),
              help="The new chain's home, a new folder.  [default: HOME-from-HEIGHT]")  # fmt: skip
@home_option
def command_line(which: str, as_new_chain: bool, chain_id: str | None, into: Path | None, home: Path) -> Answer:
    """Put a stopped home back to a checkpoint (`synod checkpoint list` shows them). Every row is verified first.

    What was signed stays signed: the last-signed record is never restored, and the home signs no height at or below
    it again, for two signed blocks of one height would be proof of a fraud. So between the checkpoint and that height
    blocks must come from other machines. A chain that lives on this machine alone has none to ask: it cannot go on
    under its old id, and `--as-new-chain` is its way on.

    --as-new-chain makes a new home with the checkpoint's state, the same keys and settings, another chain id, and the
    old state root as its parent. Nothing signed there counts on the old chain, nor the other way round; whoever signs
    must sign anew. The home itself is left as it is.

    Exit 0: done. 1: no such checkpoint, or what the last restore replaced stands higher than the home and would be
    lost, or an upgrade can still be rolled back there (--as-new-chain). 2: the folder is no home, or the new one is
    not empty, or its chain's id is none. 3: a node runs on it, or files or disk failed.
    """
    if not as_new_chain and (chain_id is not None or into is not None):
        raise NewChainOptions
    place = Home.open(home)
    back = not as_new_chain and (which == REPLACED or Path(which).resolve() == place.replaced.resolve())
    found = restore.replaced_of(place) if back else found_checkpoint(place, which)
    return _begun(place, found, chain_id, into) if as_new_chain else _restored(place, found)


def _restored(home: Home, found: Checkpoint) -> Answer:
    before = _height(home)
    _require_no_higher(home, found, before)
    progress = Progress(f"verifying {found.name}")
    head = restore.restore(found, home, told=progress.of)
    progress.end()
    signed = LastSigned.open(home.last_signed_file).last.height
    data = {**described(found), "height_before": before, "last_signed": signed, "replaced": str(home.replaced)}
    lines = [
        f"{home.root} stands at height {head.height:,} again" + (f" (it was at {before:,})" if before else ""),
        f"app root {head.app_root.hex()}",
        f"what it replaced is kept in {home.replaced}; `synod restore {REPLACED}` puts it back",
    ]
    if signed > head.height:
        note(
            f"warning: this home signed up to height {signed:,} and signs no height from there down again: it needs "
            "the blocks in between from other machines; without any, begin a new chain (--as-new-chain)"
        )
    return Answer(data, "\n".join(lines))


def _require_no_higher(home: Home, found: Checkpoint, height: int | None) -> None:
    """Raises HigherKept where `replaced` holds more than the home, unless that is what is put back."""
    try:
        kept = restore.replaced_of(home)
    except StoreFault:  # nothing is kept, or nothing that anybody could put back
        return
    if found.path == kept.path:
        return
    if height is None or kept.height > height:
        raise HigherKept(kept)


def _begun(home: Home, found: Checkpoint, chain_id: str | None, into: Path | None) -> Answer:
    root = into or home.root.with_name(f"{home.root.resolve().name}-from-{found.height}")
    made = begin_new_chain(found, root, lambda old: chain_id or f"{old}-from-{found.height}-{os.urandom(4).hex()}")
    _carry_over(home, made.home)
    return Answer(_data(made, found), _text(made))


def _carry_over(old: Home, new: Home) -> None:
    """Settings, key files and what modules left behind: the same people, on a chain where what they sign counts by
    itself."""
    if old.settings_file.exists():
        shutil.copy2(old.settings_file, new.settings_file)
    else:
        new.settings_file.write_text(documentation(), encoding="utf-8")
    share(old, new)
    for file in sorted(old.keys.glob("*.key.json")):
        shutil.copy2(file, new.keys / file.name)


def _data(made: NewChain, found: Checkpoint) -> dict[str, object]:
    return {
        "home": str(made.home.root),
        "chain_id": made.identity.chain_id,
        "chain_name": made.identity.chain_name,
        "parent": made.identity.parent.hex(),
        "initial_height": made.identity.initial_height,
        "app_root": made.head.app_root.hex(),
        "runtime_root": made.head.runtime_root.hex(),
        "checkpoint": described(found),
    }


def _text(made: NewChain) -> str:
    first = made.identity.initial_height + 1
    rows = [
        ("chain", made.identity.chain_id),
        ("home", str(made.home.root)),
        ("parent", made.identity.parent.hex()),
        ("first block", f"{first:,}"),
        ("app root", made.head.app_root.hex()),
    ]
    return f"{columns(rows)}\n\nnext: synod start --home {made.home.root}"


def _height(home: Home) -> int | None:
    """Where the home stood; None when that cannot be told any more, which is what a restore may be for."""
    try:
        return read_head(home.head_file).height
    except StoreFault as unreadable:
        note(f"the home's present head is not readable: {unreadable}")
        return None


if __name__ == "__main__":
    run(command_line)
