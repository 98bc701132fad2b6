"""Signatures: right verdicts in any batch, each verified once."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.errors import NotReady
from node.verification import Claim, KnownSignatures, Verifier
from tests.node.transactions import key_of, transaction

PUBLIC = key_of("alice").public


def claims(count, *, good=True, start=0):
    public = PUBLIC if good else key_of("mallory").public
    return [Claim.of(transaction(nonce=start + number), public) for number in range(count)]


@pytest.fixture(scope="module")
def ready():
    """Good and bad claims, made once."""
    return claims(40), claims(40, good=False)


@settings(max_examples=25, deadline=None)
@given(picks=st.lists(st.tuples(st.booleans(), st.integers(0, 39)), max_size=60))
def test_verdicts_stand_in_the_order_of_the_claims(ready, picks):
    good, bad = ready
    with Verifier() as verifier:
        asked = [(good if held else bad)[place] for held, place in picks]
        assert verifier.check_all(asked) == [held for held, _ in picks]


def test_a_transaction_is_verified_once():
    with Verifier() as verifier:
        batch = claims(20)
        assert all(verifier.check_all(batch))
        assert verifier.verified == 20
        assert all(verifier.check_all(batch))
        assert asyncio.run(verifier.check(batch[7]))
        assert verifier.verified == 20


def test_a_bad_signature_is_not_remembered():
    with Verifier() as verifier:
        batch = claims(8, good=False)
        assert verifier.check_all(batch) == [False] * 8
        assert len(verifier.known) == 0
        assert verifier.check_all(batch) == [False] * 8
        assert verifier.verified == 16


def test_a_rotated_key_is_verified_anew():
    tx = transaction()
    with Verifier() as verifier:
        assert verifier.check_all([Claim.of(tx, PUBLIC)]) == [True]
        assert verifier.check_all([Claim.of(tx, key_of("after rotation").public)]) == [False]


def test_arrivals_at_the_same_time_are_verified_together_and_told_apart():
    with Verifier() as verifier:
        good, bad = claims(300), claims(300, good=False)

        async def arrive():
            mixed = [claim for pair in zip(good, bad, strict=True) for claim in pair]
            return await asyncio.gather(*map(verifier.check, mixed))

        assert asyncio.run(arrive()) == [True, False] * 300


def test_one_arrival_alone_is_answered():
    with Verifier() as verifier:
        assert asyncio.run(verifier.check(claims(1)[0])) is True


def test_a_waiter_that_gives_up_disturbs_nobody():
    with Verifier() as verifier:
        first, second = claims(2)

        async def arrive():
            impatient = asyncio.create_task(verifier.check(first))
            patient = asyncio.create_task(verifier.check(second))
            await asyncio.sleep(0)
            impatient.cancel()
            return await patient

        assert asyncio.run(arrive()) is True


def test_a_closed_pool_tells_its_waiters():
    verifier = Verifier()
    verifier.close()
    with pytest.raises(NotReady, match="stopping"):
        asyncio.run(verifier.check(claims(1)[0]))


def test_what_is_remembered_is_bounded_and_the_oldest_goes():
    known = KnownSignatures(3)
    batch = claims(5)
    known.add(batch[:3])
    known.add(batch[3:])
    assert len(known) == 3
    assert [claim in known for claim in batch] == [False, False, True, True, True]
