"""A chain whose every block follows from its state alone, so that it can be killed anywhere and go on the same way.

Transfers in every block, and an upgrade that migrates every account, mints five blocks later, and is rolled back.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from governance.calls import CastVote, Propose, PublishChunk
from governance.lifecycle import Status
from governance.progress import proposal_at
from governance.proposals import Content, MaintenanceWindow, RuntimeUpgrade
from governance.tables import VOTES
from node.genesis.document import Genesis
from node.rehearsal.demonstrations import CONJURE, MINTING_CALL
from node.rehearsal.world import World
from runtime.bundle.archive import Bundle, chunks, of_files, pack
from runtime.bundle.checker import check_bundle, check_upgrade
from runtime.bundle.template import new_bundle
from storage.home import RELEASE
from storage.record import Record
from tests.short_periods import short_genesis


def story_genesis() -> Genesis:
    """Forty accounts, short periods."""
    return short_genesis(seed="story")


def minting_bundle(chain: str) -> Bundle:
    """The newcomer's bundle, which rewrites every account, with a call that mints."""
    with tempfile.TemporaryDirectory() as scratch:
        new_bundle(Path(scratch) / "example", "example", chain)
        files = dict(pack(Path(scratch) / "example", chain=chain).files)
    files["bank.py"] += CONJURE.encode()
    return of_files(files)


def next_block(world: World, bundle: Bundle) -> None:
    """Make the block that follows from the state."""
    governance = upgrade_of(world, bundle) if world.last_proposal() == 0 else votes(world)
    world.solo.make_block((*governance, *traffic(world), *minted(world)))


def votes(world: World) -> list[bytes]:
    """Every operator's yes to the newest proposal, once it can be voted on."""
    last = world.last_proposal()
    what, standing = proposal_at(world.overlay(), last)
    if standing.status == Status.VOTING and world.overlay().get(VOTES, (last, world.operators()[0])) is None:
        vote = CastVote(proposal=last, option="yes", bundle=what.bundle, effect=what.effect)
        return [world.wallet(one).host(world.host_call("governance.vote"), vote) for one in world.operators()]
    return []


def upgrade_of(world: World, bundle: Bundle) -> list[bytes]:
    """The bundle's chunks, and the proposal to run it."""
    declaration = check_bundle(bundle, chain=world.genesis.chain_name, host_release=RELEASE)
    effect = check_upgrade(world.application.chain.loaded.declaration, declaration)
    content = RuntimeUpgrade(
        version=str(declaration.manifest.version),
        code_hash=bundle.code_hash,
        effect=effect.digest,
        activation_delay=world.parameter("timelock_delay"),
    )
    wallet, pieces = world.wallet(world.richest_operator()), chunks(bundle)
    raws = [
        wallet.host(
            world.host_call("governance.publish_chunk"),
            PublishChunk(code_hash=bundle.code_hash, index=index, total=len(pieces), data=piece),
        )
        for index, piece in enumerate(pieces)
    ]
    return [*raws, proposed(world, content, 1000)]


def proposed(world: World, content: Record, deposit: int) -> bytes:
    """A proposal by the richest operator, raw."""
    args = Propose(title="an upgrade", content=Content.of(content), deposit=deposit, window=MaintenanceWindow())
    return world.wallet(world.richest_operator()).host(world.host_call("governance.propose"), args)


def traffic(world: World) -> list[bytes]:
    """One transfer, another at each height."""
    senders, height = world.accounts(), world.height
    declaration = world.application.chain.loaded.calls[("bank", "send")].declaration
    sender, receiver = senders[height % len(senders)], senders[(height + 1) % len(senders)]
    return [world.wallet(sender).call(declaration, 10, to=receiver, coins=1 + height)]


def minted(world: World) -> list[bytes]:
    """Five blocks after the upgrade, the call that mints."""
    module, _, name = MINTING_CALL.partition(".")
    call = world.application.chain.loaded.calls.get((module, name))
    running = world.coordinator().running()
    if call is None or world.height != running.since + 5:
        return []
    return [world.wallet(world.accounts()[-1]).call(call.declaration, 10, coins=10**6)]
