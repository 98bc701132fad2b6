"""Bad transactions change nothing and name their fault; those in a block get a receipt that says so."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from governance.calls import CastVote, Propose
from governance.progress import proposal_at
from governance.proposals import Content, MaintenanceWindow, Statement
from node.errors import TransactionRefused
from node.rehearsal import upgrade
from node.rehearsal.world import World
from runtime.block import make_block
from runtime.bundle.archive import Bundle
from runtime.errors import BlockRefused, HostRefused, TransactionMalformed
from runtime.keys import PrivateKey, derive
from runtime.transaction import Body, Transaction, sign
from storage.codec import codec_of
from tests.scenarios.upgrades import approved, edited, example

Maker = Callable[[World], bytes]


def body_of(world: World, **changes: object) -> tuple[Body, PrivateKey]:
    """A sound transfer's body with some fields changed, and the key of its sender."""
    sender, receiver = world.accounts()[:2]
    wallet = world.wallet(sender)
    declaration = world.application.chain.loaded.calls[("bank", "send")].declaration
    raw = wallet.call(declaration, 10, to=receiver, coins=5)
    wallet.nonce -= 1
    return world.application.decode(raw).body.but(**changes), wallet.key


def changed(**changes: object) -> Maker:
    def make(world: World) -> bytes:
        body, key = body_of(world, **changes)
        return sign(body, key)

    return make


def signed_by_another(world: World) -> bytes:
    body, _ = body_of(world)
    return sign(body, derive(b"somebody", "else"))


def from_a_stranger(world: World) -> bytes:
    body, _ = body_of(world, sender=b"\x07" * 20, key=b"")
    return sign(body, derive(b"somebody", "else"))


def for_another_version(world: World) -> bytes:
    body, key = body_of(world)
    return sign(body.but(call=body.call.but(interface=bytes(8))), key)


def with_garbage_arguments(world: World) -> bytes:
    body, key = body_of(world)
    return sign(body.but(call=body.call.but(args=b"\xc1\xc1")), key)


def to_an_internal_call(world: World) -> bytes:
    declaration = world.application.chain.loaded.calls[("bank", "give")].declaration
    wallet = world.wallet(world.accounts()[0])
    raw = wallet.call(declaration, 10, owner=world.accounts()[0], coins=5)
    wallet.nonce -= 1
    return raw


BAD: dict[str, tuple[Maker, str]] = {
    "another chain": (changed(chain="other-1"), "wrong_chain"),
    "a nonce of the future": (changed(nonce=7), "wrong_nonce"),
    "another's signature": (signed_by_another, "bad_signature"),
    "a stranger": (from_a_stranger, "unknown_key"),
    "a key that is not the sender's": (changed(key=derive(b"x", "y").public), "wrong_key"),
    "another version": (for_another_version, "signed_for_another_version"),
    "a fee below the floor": (changed(fee=0), "fee_too_low"),
    "a fee beyond the purse": (changed(fee=10**30), "insufficient_funds"),
    "garbage for arguments": (with_garbage_arguments, "bad_arguments"),
    "an internal call": (to_an_internal_call, "unknown_call"),
}
FREE = {"wrong_chain", "wrong_nonce", "bad_signature", "unknown_key", "wrong_key"}
"""Refusals that do not even use the nonce."""


@pytest.mark.parametrize("name", sorted(BAD))
def test_a_bad_transaction_in_a_block_gets_its_code_and_changes_nothing_else(world: World, name: str) -> None:
    make, code = BAD[name]
    world.block()
    root = world.application.state.head.runtime_root
    made = world.solo.make_block((make(world),))
    assert [receipt.code for receipt in made.receipts] == [code]
    fee = made.receipts[0].fee
    assert (world.application.state.head.runtime_root == root) is (fee == 0)
    changed_hosts = made.prepared.sealed.state.changes.keys()
    assert ("host.accounts" in changed_hosts) is (code not in FREE)


@pytest.mark.parametrize("name", sorted(set(BAD) - {"a nonce of the future", "garbage for arguments"}))
def test_a_bad_transaction_is_refused_at_the_door(world: World, name: str) -> None:
    make, code = BAD[name]
    with pytest.raises((HostRefused, TransactionRefused)) as refused:
        world.submit(make(world))
    assert refused.value.code == code
    assert len(world.application.mempool) == 0


MALFORMED: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda raw: b"", "malformed"),
    "garbage": (lambda raw: b"\xff" * 40, "malformed"),
    "truncated": (lambda raw: raw[:-3], "malformed"),
    "trailing bytes": (lambda raw: raw + b"\x00", "malformed"),
    "oversized": (lambda raw: raw + bytes(60_000), "too_large"),
    "unsigned": (lambda raw: raw, "unsigned"),
}


@pytest.mark.parametrize("name", sorted(MALFORMED))
def test_malformed_bytes_are_refused_by_their_fault(world: World, name: str) -> None:
    spoil, code = MALFORMED[name]
    body, key = body_of(world)
    raw = sign(body, key)
    spoiled = unsigned(raw) if name == "unsigned" else spoil(raw)
    with pytest.raises(TransactionMalformed) as refused:
        world.application.decode(spoiled)
    assert refused.value.code == code
    root = world.application.state.head.runtime_root
    made = world.solo.make_block((spoiled,))
    assert [(receipt.code, receipt.fee) for receipt in made.receipts] == [(code, 0)]
    assert world.application.state.head.runtime_root == root


def unsigned(raw: bytes) -> bytes:
    """The transaction without its signature field."""
    codec = codec_of(Transaction)
    return codec.encode(codec.decode(raw).but(signature=b""))


def test_a_transaction_sent_again_is_refused(world: World) -> None:
    raw = changed()(world)
    world.submit(raw)
    world.must()
    with pytest.raises(TransactionRefused) as refused:
        world.submit(raw)
    assert refused.value.code == "nonce_used"
    assert [receipt.code for receipt in world.solo.make_block((raw,)).receipts] == ["wrong_nonce"]


def test_a_waiting_transaction_goes_when_a_block_from_elsewhere_uses_its_nonce(world: World) -> None:
    waiting, other = changed()(world), changed(fee=11)(world)
    world.submit(waiting)
    assert [receipt.code for receipt in world.solo.make_block((other,)).receipts] == ["ok"]
    assert world.application.mempool.fate(world.application.decode(waiting).id) == "nonce_used"


def test_a_transaction_that_waits_for_another_expires_while_blocks_are_empty(world: World) -> None:
    waiting = changed(nonce=1)(world)
    world.submit(waiting)
    world.forward(world.height + world.application.mempool.limits.lifetime + 1)
    assert world.application.mempool.fate(world.application.decode(waiting).id) == "expired"


def test_a_transaction_signed_before_the_upgrade_for_a_changed_call_is_refused_after_it(world: World) -> None:
    raw = changed()(world)
    bundle = edited(
        example(world),
        bank=("@call(meaning=1)\ndef send(", "@call(meaning=2)\ndef send("),
        manifest=("a guestbook opens", "a guestbook opens, bank.send means something else"),
    )
    assert activated_without_traffic(world, bundle) == "executed"
    made = world.solo.make_block((raw,))
    assert [receipt.code for receipt in made.receipts] == ["signed_for_another_version"]


def activated_without_traffic(world: World, bundle: Bundle) -> str:
    """Carry a bundle to its end with no transfer at A, so that the nonce the test holds stays free."""
    voted = approved(world, bundle)
    effective = proposal_at(world.overlay(), voted.proposal)[1].effective
    world.forward(effective)
    return upgrade.ending(world, voted.proposal)[1].kind


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"height": 99}, "wrong_height"),
        ({"chain": "other-1"}, "wrong_chain"),
        ({"last_block": b"\x01" * 32}, "wrong_parent"),
        ({"app_root": b"\x01" * 32}, "wrong_root"),
        ({"data": b"\x01" * 32}, "wrong_data"),
    ],
)
def test_a_block_that_cannot_follow_is_refused(world: World, change: dict[str, object], code: str) -> None:
    application = world.application
    head = application.state.head
    block = make_block(
        head.height + 1, application.chain.identity.chain_id, application.chain.last_block, head.app_root, bytes(20)
    )
    with pytest.raises(BlockRefused) as refused:
        application.finalize_block(block.but(header=block.header.but(**change)))
    assert refused.value.code == code
    assert application.state.height == head.height


def test_votes_by_a_stranger_or_again_with_a_forged_nonce_or_after_the_close_are_refused(world: World) -> None:
    operator, stranger = world.operators()[0], world.accounts()[-1]
    args = Propose(title="words", content=Content.of(Statement()), deposit=1000, window=MaintenanceWindow())
    world.host(operator, "governance.propose", args)
    world.must()
    proposal = world.last_proposal()
    what, standing = proposal_at(world.overlay(), proposal)
    world.forward(standing.due + 1)
    vote = CastVote(proposal=proposal, option="yes", effect=what.effect)
    world.host(stranger, "governance.vote", vote)
    assert [receipt.code for receipt in world.block().receipts] == ["no_power"]
    raw = world.wallet(operator).host(world.host_call("governance.vote"), vote)
    assert [receipt.code for receipt in world.solo.make_block((raw,)).receipts] == ["ok"]
    counted = proposal_at(world.overlay(), proposal)[1].tally
    assert (counted.voters, counted.yes) == (1, counted.counted)
    again = world.wallet(operator)
    again.nonce += 3  # forged: the chain expects another
    forged = again.host(world.host_call("governance.vote"), vote)
    again.nonce -= 4
    assert [receipt.code for receipt in world.solo.make_block((raw, forged)).receipts] == ["wrong_nonce"] * 2
    assert proposal_at(world.overlay(), proposal)[1].tally == counted
    world.forward(proposal_at(world.overlay(), proposal)[1].due + 1)
    world.host(operator, "governance.vote", vote)
    assert [receipt.code for receipt in world.block().receipts] == ["voting_closed"]
