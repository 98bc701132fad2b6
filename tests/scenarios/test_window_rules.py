"""Inside the rollback window, on a real chain: who may vote an upgrade back, what runs, and what each item is told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from governance.electorate import electors_at, power_at
from governance.lifecycle import Status
from governance.progress import proposal_at
from governance.proposals import Pause, Rollback, Statement
from governance.tables import UPLOADS
from node.rehearsal import upgrade
from node.rehearsal.demonstrations import mints_later
from node.rehearsal.world import HOST, World
from node.wallet import Wallet
from runtime.accounts import ACCOUNTS
from runtime.bundle.archive import Bundle
from runtime.bundles import BUNDLES
from runtime.errors import HostRefused
from runtime.host_calls import KEY_CALLS, RotateKey, rotation_message
from runtime.keys import derive
from runtime.receipts import FAILED_BEFORE, OK
from runtime.registry import REGISTRY
from runtime.sealing import RECEIPTS
from tests.scenarios.hostile import with_trouble
from tests.scenarios.upgrades import (
    activated,
    ballot,
    carry,
    edited,
    example,
    open_vote,
    propose,
    rolled_back,
    running,
    vote,
)
from tests.short_periods import SHORT, short_genesis

SEIZE = '''

@hook("post_upgrade")
def seize(ctx: Context) -> None:
    """Take every validator's seat and consensus key."""
    for key, row in ctx.scan(validators, limit=100):
        ctx.put(validators, key[0], row.but(bonded=False, key=b""))
'''


def seizing(world: World) -> Bundle:
    """A runtime that unbonds everybody the moment it arrives."""
    version = ('"1.0.0"', '"1.1.0"\nrequires_pause = true')
    bundle = edited(running(world), staking=("    field,\n", "    field,\n    hook,\n"), manifest=version)
    last = bundle.file("staking.py").decode().splitlines()[-1]
    return edited(bundle, staking=(last + "\n", last + "\n" + SEIZE))


def second_codes(world: World, height: int) -> list[str]:
    seconds = world.application.state.log().second_receipts(height)
    return [RECEIPTS.decode(seconds[place]).code for place in sorted(seconds)]


def rotated(world: World, address: bytes) -> tuple[Wallet, Wallet]:
    """Give an address another key; its wallets before and after."""
    before, fresh = world.wallet(address), derive(b"fresh", "key")
    chain_id = world.application.chain.identity.chain_id
    proof = fresh.sign(rotation_message(chain_id, address))
    world.submit(before.host(KEY_CALLS[0], RotateKey(key=fresh.public, proof=proof)))
    world.must()
    return before, Wallet(chain_id, address, fresh, before.nonce)


def test_a_runtime_that_takes_every_seat_and_key_changes_nobody_s_vote_to_go_back(world: World) -> None:  # N5
    voters = world.operators()
    powers = [power_at(world.overlay(), voter, world.height) for voter in voters]
    assert activated(world, seizing(world)).record.outcome == "executed"
    world.block()
    left = electors_at(world.overlay(), world.height).voters
    assert left == 1, "the copy of today's power followed the new runtime as far as it may"
    rolled_back(world)
    world.block()
    assert [power_at(world.overlay(), voter, world.height) for voter in voters] == powers


def test_voters_of_before_the_upgrade_do_not_stand_behind_strangers(world: World) -> None:
    activated(world, seizing(world))
    window = world.coordinator().window()
    assert window is not None
    stranger, voter = world.accounts()[0], world.operators()[0]
    proposal = propose(world, Rollback(upgrade=window.proposal), 0)
    open_vote(world, proposal)
    world.host(stranger, "governance.vote", ballot(world, proposal, "no"))
    world.host(voter, "governance.vote", ballot(world, proposal, "yes"))
    made = world.block()
    senders = [world.application.decode(raw).body.sender for raw in made.prepared.block.transactions]
    assert senders == [voter, stranger]
    assert [receipt.code for receipt in made.receipts] == [OK, "no_power"]


@pytest.mark.parametrize("content", [Rollback, Pause])
def test_a_key_rotated_in_the_window_votes_with_the_weight_of_before_and_the_old_one_signs_nothing(
    world: World, content: type[Rollback] | type[Pause]
) -> None:
    activated(world, example(world))
    window = world.coordinator().window()
    assert window is not None
    address = world.operators()[0]
    old, new = rotated(world, address)
    other = world.operators()[1]
    args = Rollback(upgrade=window.proposal) if content is Rollback else Pause()
    proposal = propose(world, args, 0, other)
    open_vote(world, proposal)
    paper = ballot(world, proposal, "yes")
    raw = old.host(HOST["governance.vote"], paper)
    with pytest.raises(HostRefused, match="one rotated away signs nothing"):
        world.submit(raw)
    block = world.application.block_of(other, (raw,))
    assert [receipt.code for receipt in world.application.finalize_block(block).receipts] == ["wrong_key"]
    world.submit(new.host(HOST["governance.vote"], paper))
    world.must()
    standing = proposal_at(world.overlay(), proposal)[1]
    assert standing.snapshot == window.activation - 1
    assert standing.tally.yes == power_at(world.overlay(), address, window.activation - 1) > 0
    account = world.overlay().get(ACCOUNTS, (address,))
    assert account is not None and account.nonce == new.nonce, "the refused vote used no nonce"


def test_hooks_are_told_what_became_of_them_and_the_registry_names_what_runs(world: World) -> None:  # R2.2
    kept = activated(world, mints_later(running(world)))
    voted = activated(world, with_trouble(running(world), "1.2.0", end_block="raise Refused('sulks')"))
    world.traffic(2)
    made = world.block()
    height = made.prepared.block.header.height
    assert [receipt.code for receipt in made.receipts] == [OK, OK, "sulks"]
    registry = {key[0]: row for key, row in world.overlay().scan(REGISTRY)}
    assert (registry["trouble"].version, registry["trouble"].proposal) == ("1.2.0", voted.proposal)
    rolled_back(world)
    assert second_codes(world, height) == [OK, OK, FAILED_BEFORE], "the old runtime has no such module"
    registry = {key[0]: row for key, row in world.overlay().scan(REGISTRY)}
    assert "trouble" not in registry
    assert (registry["bank"].version, registry["bank"].proposal) == ("1.1.0", kept.proposal)


def test_uploads_end_and_a_rejected_bundle_leaves_the_chain(make_world: Callable[..., World]) -> None:
    parameters = {**SHORT, "upload_lifetime": 10, "resubmission_cooldown": 0}
    genesis = short_genesis().model_copy(update={"parameters": parameters})
    world = make_world(genesis)
    bundle = example(world)
    upgrade.publish(world, bundle, world.accounts()[0])
    world.forward(world.height + 10)
    assert not list(world.overlay().scan(UPLOADS))
    voted = upgrade.propose(world, bundle, "Refused by all")
    assert world.overlay().get(BUNDLES, (bundle.code_hash,)) is not None
    vote(world, voted.proposal, "no")
    carry(world, voted.proposal, Status.REJECTED)
    assert world.overlay().get(BUNDLES, (bundle.code_hash,)) is None
    assert activated(world, bundle).record.outcome == "executed", "published anew"
    propose(world, Statement(), 1000)
    assert world.overlay().get(BUNDLES, (bundle.code_hash,)) is not None
