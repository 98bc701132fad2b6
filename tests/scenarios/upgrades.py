"""Steps that scenarios share: make a bundle, carry it through the vote, bring it to its activation height."""

from __future__ import annotations

import tempfile
from pathlib import Path

from governance.calls import CastVote, Propose
from governance.lifecycle import Status
from governance.progress import proposal_at
from governance.proposals import Content, MaintenanceWindow, Rollback
from node.rehearsal import upgrade
from node.rehearsal.upgrade import Voted
from node.rehearsal.world import World
from runtime.bundle.archive import Bundle, is_tests, of_files, pack
from runtime.bundle.template import new_bundle
from runtime.bundles import stored_bundle
from runtime.plans import HISTORY, ROLLED_BACK
from storage.record import Record


def silent(what: str, reached: int, aim: int) -> None:
    """No progress."""


def example(world: World) -> Bundle:
    """The newcomer's bundle: rewrites every account, opens a guestbook."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "example"
        new_bundle(folder, "example", world.genesis.chain_name)
        return pack(folder, chain=world.genesis.chain_name)


def untested(bundle: Bundle) -> Bundle:
    """A bundle without tests of its own, so that others find what is wrong with it."""
    return of_files({name: content for name, content in bundle.files if not is_tests(name)})


def running(world: World) -> Bundle:
    """The bundle that runs, from the chain's own bytes."""
    return stored_bundle(world.overlay(), world.application.chain.loaded.code_hash)


def edited(bundle: Bundle, **changes: tuple[str, str]) -> Bundle:
    """A bundle with one text replaced in each named source; ``bank=(old, new)`` edits bank.py, ``manifest`` the
    manifest."""
    files = dict(bundle.files)
    for name, (old, new) in changes.items():
        path = "bundle.toml" if name == "manifest" else f"{name}.py"
        text = files[path].decode()
        assert old in text, f"{path} does not hold {old!r}"
        files[path] = text.replace(old, new, 1).encode()
    return of_files(files)


def appended(bundle: Bundle, module: str, source: str, version: str) -> Bundle:
    """A bundle of another version with more source at the end of a module."""
    files = dict(bundle.files)
    files[f"{module}.py"] = files[f"{module}.py"].rstrip(b"\n") + b"\n\n\n" + source.strip().encode() + b"\n"
    manifest = files["bundle.toml"].decode()
    before = next(line for line in manifest.splitlines() if line.startswith("version = "))
    files["bundle.toml"] = manifest.replace(before, f'version = "{version}"', 1).encode()
    return of_files(files)


def approved(world: World, bundle: Bundle) -> Voted:
    """Propose a bundle and vote it through."""
    voted = upgrade.propose(world, bundle, "An upgrade")
    upgrade.vote(world, (voted,), silent)
    return voted


def activated(world: World, bundle: Bundle) -> Voted:
    """Carry a bundle through its activation height, however it ends."""
    voted = approved(world, bundle)
    upgrade.activate(world, voted, silent)
    return voted


def propose(world: World, content: Record, deposit: int, proposer: bytes | None = None) -> int:
    """A proposal by the first operator, unless another is named; its number."""
    args = Propose(title="one", content=Content.of(content), deposit=deposit, window=MaintenanceWindow())
    world.host(proposer or world.operators()[0], "governance.propose", args)
    world.must()
    return world.last_proposal()


def vote(world: World, proposal: int, option: str) -> None:
    """Every operator votes the same as soon as voting is open."""
    open_vote(world, proposal)
    for operator in world.operators():
        world.host(operator, "governance.vote", ballot(world, proposal, option))
    world.must()


def carry(world: World, proposal: int, *ends: Status) -> None:
    """Blocks until a proposal has ended in one of these ways."""
    for _ in range(200):
        if proposal_at(world.overlay(), proposal)[1].status in ends:
            return
        world.block()
    raise AssertionError(f"proposal {proposal} is {proposal_at(world.overlay(), proposal)[1].status}")


def ballot(world: World, proposal: int, option: str) -> CastVote:
    """A vote that names what it is on."""
    what, _ = proposal_at(world.overlay(), proposal)
    return CastVote(proposal=proposal, option=option, bundle=what.bundle, effect=what.effect)


def open_vote(world: World, proposal: int) -> None:
    """Blocks until voting is open."""
    while proposal_at(world.overlay(), proposal)[1].status in (Status.DEPOSIT, Status.DELAY):
        world.block()


def rolled_back(world: World) -> int:
    """Vote the last upgrade back; the height at which the chain returned."""
    window = world.coordinator().window()
    assert window is not None, "no upgrade can be rolled back"
    proposal = propose(world, Rollback(upgrade=window.proposal), 0)
    vote(world, proposal, "yes")
    carry(world, proposal, Status.EXECUTED)
    world.must()
    assert any(row.kind == ROLLED_BACK for _, row in world.overlay().scan(HISTORY, (world.height,)))
    return world.height
