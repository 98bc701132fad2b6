"""Signed votes in real blocks: whoever brings them, they count once, for their chain, by the present key.  # R2.3 N6"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from governance.calls import CastVote, Propose
from governance.electorate import power_at, standing_of
from governance.progress import proposal_at
from governance.proposals import Content, Statement
from governance.relaying import RelayedVote, VoteStatement, sign_vote
from governance.tables import VOTES
from runtime.address import address_of
from runtime.chain import Chain
from runtime.execution import host_table_of
from runtime.host_calls import KEY_CALLS, RotateKey, rotation_message
from runtime.keys import PrivateKey
from runtime.transaction import Body, Call, sign
from storage.codec import codec_of
from storage.record import Record
from storage.state import State
from tests.governance.test_on_a_chain import HOST, KEYS, MODULES, OWNERS, create, produce
from tests.governance.world import CHAIN_NAME, NO_WINDOW

STRANGER = PrivateKey.from_seed(b"s" * 32)
NEW_KEY = PrivateKey.from_seed(b"n" * 32)
ALL_HOST = {**HOST, **host_table_of(KEY_CALLS)}


class Sender:
    """Somebody who signs transactions, one nonce after another."""

    def __init__(self, key: PrivateKey, address: bytes | None = None) -> None:
        self.key, self.nonce = key, 0
        self.address = address or address_of(key.public)

    def __call__(self, module: str, name: str, args: Record) -> bytes:
        entry = ALL_HOST[module, name]
        call = Call(module=module, name=name, interface=entry.interface, args=codec_of(type(args)).encode(args))
        body = Body(chain=CHAIN_NAME, sender=self.address, nonce=self.nonce, call=call, key=self.key.public)
        self.nonce += 1
        return sign(body, self.key)


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    """A chain of four validators whose first proposal is voted on."""
    chain = Chain(State.open(create(tmp_path / "home")), MODULES)
    words = Propose(title="Words", content=Content.of(Statement()), deposit=1_000, window=NO_WINDOW)
    assert produce(chain, Sender(KEYS[0])("governance", "propose", words)) == ("ok",)
    while proposal_at(chain.state.overlay(), 1)[1].status != "voting":
        produce(chain)
    yield chain
    chain.state.close()


def statement(on: Chain, who: int, option: str, **changes: object) -> VoteStatement:
    effect = proposal_at(on.state.overlay(), 1)[0].effect
    said = VoteStatement(chain=CHAIN_NAME, voter=OWNERS[who], proposal=1, option=option, effect=effect)
    return said.but(**changes)


def tally(chain: Chain) -> tuple[int, int, int]:
    count = proposal_at(chain.state.overlay(), 1)[1].tally
    return count.yes, count.no, count.voters


def test_a_stranger_brings_signed_votes_and_each_counts_once(chain: Chain) -> None:
    stranger = Sender(STRANGER)
    said = [sign_vote(statement(chain, number, "yes"), KEYS[number]) for number in (1, 2)]
    raws = [stranger("governance", "relay_vote", one) for one in (*said, said[0])]
    assert produce(chain, *raws) == ("ok", "ok", "vote_used")
    assert produce(chain, stranger("governance", "relay_vote", said[1])) == ("vote_used",)
    assert tally(chain) == (200, 0, 2)


def test_a_later_word_of_the_voter_makes_what_he_signed_before_worthless(chain: Chain) -> None:
    stranger, voter = Sender(STRANGER), Sender(KEYS[1])
    early = sign_vote(statement(chain, 1, "yes"), KEYS[1])
    effect = early.statement.effect
    vote = voter("governance", "vote", CastVote(proposal=1, option="no", effect=effect))
    assert produce(chain, vote, stranger("governance", "relay_vote", early)) == ("ok", "vote_used")
    change = sign_vote(statement(chain, 1, "yes", number=1), KEYS[1])
    assert produce(chain, stranger("governance", "relay_vote", change)) == ("ok",)
    assert tally(chain) == (100, 0, 1)


def test_a_vote_for_a_copy_of_the_chain_or_changed_on_the_way_counts_for_nothing(chain: Chain) -> None:
    stranger = Sender(STRANGER)
    copy = sign_vote(statement(chain, 1, "yes", chain="synod-copy"), KEYS[1])
    good = sign_vote(statement(chain, 1, "yes"), KEYS[1])
    changed = RelayedVote(statement=good.statement.but(option="no"), signature=good.signature, key=good.key)
    other_voter = RelayedVote(statement=good.statement.but(voter=OWNERS[2]), signature=good.signature, key=good.key)
    raws = [stranger("governance", "relay_vote", one) for one in (copy, changed, other_voter)]
    assert produce(chain, *raws) == ("vote_for_another_chain", "bad_vote_signature", "wrong_key")
    assert tally(chain) == (0, 0, 0)


def test_a_signed_vote_ends_with_its_last_height(chain: Chain) -> None:
    stranger, height = Sender(STRANGER), chain.state.height
    said = sign_vote(statement(chain, 1, "yes", expiry=height + 1), KEYS[1])
    late = sign_vote(statement(chain, 2, "yes", expiry=height), KEYS[2])
    raws = [stranger("governance", "relay_vote", one) for one in (said, late)]
    assert produce(chain, *raws) == ("ok", "vote_expired")


def test_rotating_the_key_changes_no_power_doubles_no_vote_and_takes_back_what_the_old_key_signed(chain: Chain) -> None:
    stranger, voter = Sender(STRANGER), Sender(KEYS[1])
    before = power_at(chain.state.overlay(), OWNERS[1], chain.state.height)
    effect = proposal_at(chain.state.overlay(), 1)[0].effect
    by_old = sign_vote(statement(chain, 1, "no", number=1), KEYS[1])
    proof = NEW_KEY.sign(rotation_message(CHAIN_NAME, OWNERS[1]))
    vote = CastVote(proposal=1, option="yes", effect=effect)
    raws = [voter("governance", "vote", vote), voter("keys", "rotate", RotateKey(key=NEW_KEY.public, proof=proof))]
    assert produce(chain, *raws) == ("ok", "ok")
    voter.key = NEW_KEY
    by_new = sign_vote(statement(chain, 1, "no", number=1), NEW_KEY)
    again = voter("governance", "vote", vote)
    relayed = [stranger("governance", "relay_vote", one) for one in (by_old, by_old.but(key=b""), by_new)]
    assert produce(chain, again, *relayed) == ("same_vote", "wrong_key", "bad_vote_signature", "ok")
    assert tally(chain) == (0, 100, 1)
    assert power_at(chain.state.overlay(), OWNERS[1], chain.state.height) == before
    row = chain.state.overlay().get(VOTES, (1, OWNERS[1]))
    assert row is not None and row.own == 2
    assert standing_of(chain.state.overlay(), OWNERS[1], chain.state.height) == before
