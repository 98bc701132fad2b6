"""A chain with a shelf on it, which is reinstalled and gets its books back: bundles and steps that scenarios share."""

from __future__ import annotations

from typing import Any

from governance.calls import Propose
from governance.lifecycle import Status
from governance.proposals import Content, MaintenanceWindow, RestoreModule
from node.rehearsal.world import World
from runtime.bundle.archive import Bundle, of_files
from runtime.plans import HISTORY
from tests.runtime.reinstall_bundles import PLAIN, SHELF, TOLD
from tests.scenarios.upgrades import activated, carry, running, vote

BOOKS = 12


def shelved(world: World) -> None:
    """Bring the shelf on the chain by vote, and books into it by calls."""
    assert activated(world, with_shelf(running(world), "1.1.0", 1, 0)).record.outcome == "executed"
    beyond_window(world)
    for slot in range(1, BOOKS + 1):
        world.call(world.accounts()[slot], "shelf.put", slot=slot, size=slot * slot)
    world.must()


def reinstalled(world: World) -> bytes:
    """Reinstall the shelf by vote; the digest that names what it left."""
    voted = activated(world, with_shelf(running(world), "2.0.0", 2, 1))
    assert voted.record.outcome == "executed", voted.record
    entry = world.overlay().get(HISTORY, (voted.record.ended, last_plan(world)))
    assert entry is not None
    (digest,) = entry.backups
    return bytes(digest)


def with_shelf(bundle: Bundle, version: str, schema: int, reinstall_from: int) -> Bundle:
    """A bundle with the shelf in it, as another version."""
    files = dict(bundle.files)
    manifest = files["bundle.toml"].decode()
    before = next(line for line in manifest.splitlines() if line.startswith("version = "))
    notes = next(line for line in manifest.splitlines() if line.startswith("notes = "))
    manifest = manifest.replace(before, f'version = "{version}"', 1).replace(notes, f'notes = "{TOLD}"', 1)
    again = f"reinstall_from = {reinstall_from}\n" if reinstall_from else ""
    if 'name = "shelf"' not in manifest:
        entry = '[[module]]\nname = "shelf"\nsource = "shelf.py"\nschema = 1\n\n'
        manifest = manifest.replace("[ports.purse]", f"{entry}[ports.purse]", 1)
    old = manifest[manifest.index('source = "shelf.py"\n') : manifest.index("[ports.purse]")]
    manifest = manifest.replace(old, f'source = "shelf.py"\nschema = {schema}\n{again}\n', 1)
    return of_files({**files, "bundle.toml": manifest.encode(), "shelf.py": SHELF.format(**PLAIN).encode()})


def books(world: World) -> dict[bytes, bytes]:
    """What stands on the shelf."""
    return dict(world.application.state.rows("shelf.books"))


def beyond_window(world: World) -> None:
    """Go on until the last upgrade can be rolled back no longer."""
    window = world.coordinator().window()
    assert window is not None
    world.forward(window.closes + 1)


def last_plan(world: World) -> int:
    """The newest plan's id."""
    return max(key[1] for key, _ in world.overlay().scan(HISTORY))


def propose_restore(world: World, digest: bytes, module: str = "shelf", **changes: Any) -> int:
    """Propose the return of a module's data; the proposal's number."""
    content = RestoreModule(module=module, backup=digest)
    deposit = world.parameter("min_deposit")
    given = {"title": "Books back", "deposit": deposit, "window": MaintenanceWindow(), **changes}
    world.host(world.richest_operator(), "governance.propose", Propose(content=Content.of(content), **given))
    world.must()
    return world.last_proposal()


def restored(world: World, digest: bytes) -> int:
    """Bring the data back by vote; the proposal's number."""
    proposal = propose_restore(world, digest)
    vote(world, proposal, "yes")
    carry(world, proposal, Status.EXECUTED, Status.FAILED)
    return proposal
