"""The genesis runtime keeps its own rules: purses, vesting, stakes to the last share, pool and faucet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.bundle.archive import pack
from runtime.bundle.checker import check_bundle
from runtime.bundle.loader import LoadedRuntime, load
from runtime.bundle.template import CORE
from runtime.metering.meter import Meter
from tests.runtime.small_chain import ALICE, BOB, SmallChain, small_chain

CAROL = b"c" * 20
SHARE = 10**18
WAIT = 302_400
BUNDLE = pack(CORE, "test")
LOADED: LoadedRuntime = load(BUNDLE, check_bundle(BUNDLE, chain="test", host_release="0.1.0"))


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[SmallChain]:
    with small_chain(tmp_path, LOADED) as chain:
        for owner in (ALICE, BOB):
            put(chain, "bank.accounts", (owner,), balance=10_000_000)
        yield chain


def put(chain: SmallChain, table: str, key: tuple[Any, ...], **fields: Any) -> None:
    chain.overlay.put(LOADED.tables[table], key, LOADED.tables[table].record(**fields))


def balance(chain: SmallChain, owner: bytes) -> int:
    return int(chain.ask("bank.balance", owner))


def coins(chain: SmallChain) -> int:
    """Every field declared as coins, summed."""
    return sum(
        getattr(row, spec.name)
        for table in LOADED.declaration.tables()
        for spec in table.record.fields
        if spec.value == "coin"
        for _, row in chain.rows(table.id)
    )


# --- bank ------------------------------------------------------------------------------------------------------------


def test_coins_move_between_purses(chain: SmallChain) -> None:
    assert chain.send("bank.send", CAROL, 3) == "ok"
    assert (balance(chain, ALICE), balance(chain, CAROL)) == (9_999_997, 3)
    assert chain.send("bank.send", ALICE, 5) == "ok"
    assert balance(chain, ALICE) == 9_999_997


def test_a_transfer_of_nothing_or_of_too_much_is_refused(chain: SmallChain) -> None:
    assert chain.code("bank.send", BOB, 0) == "no_coins"
    assert chain.code("bank.send", BOB, 10_000_001) == "insufficient_funds"
    assert chain.code("bank.send", BOB, 1, sender=CAROL) == "insufficient_funds"


@pytest.mark.parametrize("name", ["bank.take", "bank.give"])
def test_no_transaction_takes_or_gives_by_itself(chain: SmallChain, name: str) -> None:
    assert chain.code(name, BOB, 1) == "internal_call"
    assert balance(chain, BOB) == 10_000_000


def test_locked_coins_come_free_in_equal_parts(chain: SmallChain) -> None:
    assert chain.send("bank.lock", 1000, chain.height + 3) == "ok"
    assert balance(chain, ALICE) == 9_999_000
    assert chain.code("bank.release") == "nothing_free_yet"
    chain.height += 1
    assert chain.ask("bank.releasable", ALICE) == 333
    assert chain.send("bank.release") == "ok"
    assert balance(chain, ALICE) == 9_999_333
    chain.height += 2
    assert chain.send("bank.release") == "ok"
    assert balance(chain, ALICE) == 10_000_000
    assert chain.rows("bank.vestings") == []
    assert chain.code("bank.release") == "nothing_vesting"


def test_an_account_has_one_schedule_that_ends_later(chain: SmallChain) -> None:
    assert chain.code("bank.lock", 0, 100) == "no_coins"
    assert chain.code("bank.lock", 5, chain.height) == "end_is_past"
    assert chain.code("bank.lock", 10_000_001, 100) == "insufficient_funds"
    assert chain.send("bank.lock", 5, 100) == "ok"
    assert chain.code("bank.lock", 5, 100) == "already_vesting"


def test_an_imported_schedule_that_was_partly_spent_frees_the_rest(chain: SmallChain) -> None:
    put(chain, "bank.vestings", (CAROL,), locked=100, original=1000, start=0, end=10)
    assert chain.ask("bank.releasable", CAROL) == 0
    chain.height = 9
    assert chain.ask("bank.releasable", CAROL) == 0
    chain.height = 10
    assert chain.send("bank.release", sender=CAROL) == "ok"
    assert balance(chain, CAROL) == 100


# --- staking ---------------------------------------------------------------------------------------------------------


def pure(name: str, *args: int) -> int:
    """A pure function of staking, as its own calls reach it."""
    reach = LOADED.functions[("staking", "delegate")].__globals__
    return int(reach[name](Meter(10_000, 0), *args))


def x_staking_shares(coins: int, tokens: int, shares: int) -> int:
    """`SharesFromTokens` of x/staking: delegatorShares.MulInt(coins).QuoInt(tokens), in units of 10^-18."""
    return shares * coins // tokens


def x_staking_tokens(part: int, tokens: int, shares: int) -> int:
    """`TokensFromShares(part).TruncateInt()`: part.MulInt(tokens).Quo(shares), Quo rounding half to even."""
    scaled = part * tokens * SHARE * SHARE // shares
    whole, rest = divmod(scaled, SHARE)
    if rest > SHARE // 2 or (rest == SHARE // 2 and whole % 2 == 1):
        whole += 1
    return whole // SHARE


amounts = st.integers(1, 10**15)
decimals = st.integers(1, 10**33)


@settings(max_examples=400)
@given(amounts, amounts, decimals)
def test_shares_round_as_x_staking_does(coins: int, tokens: int, shares: int) -> None:
    assert pure("shares_for", coins, tokens, shares) == x_staking_shares(coins, tokens, shares)


@settings(max_examples=400)
@given(amounts, decimals, decimals)
def test_coins_round_as_x_staking_does(tokens: int, shares: int, part: int) -> None:
    part = part % shares
    assert pure("coins_for", part, tokens, shares) == x_staking_tokens(part, tokens, shares)
    assert pure("coins_for", shares, tokens, shares) == tokens


@pytest.mark.parametrize(
    ("part", "tokens", "shares", "coins"),
    [
        (2 * SHARE * SHARE - 1, 1, 2 * SHARE * SHARE, 1),  # the last, whatever was cut: all tokens but no more
        (10**36 - 1, 1, 10**36, 1),  # 0.999999999999999999|999... rounds up to one coin
        (10**36 - 6 * 10**17, 1, 10**36, 0),  # 0.999999999999999999|4 does not
        (10**36 - 5 * 10**17, 1, 10**36, 1),  # half, and ...999 is odd: to even, which is one
    ],
)
def test_the_edges_of_half_to_even(part: int, tokens: int, shares: int, coins: int) -> None:
    assert x_staking_tokens(part, tokens, shares) == coins
    assert pure("coins_for", part, tokens, shares) == coins


def test_a_validator_begins_bonded_with_its_own_stake(chain: SmallChain) -> None:
    assert chain.send("staking.create_validator", b"k" * 32, 1_000_000) == "ok"
    ((key, row),) = chain.rows("staking.validators")
    assert key == (ALICE,)
    assert (row.tokens, row.shares, row.bonded, row.key) == (1_000_000, 1_000_000 * SHARE, True, b"k" * 32)
    assert balance(chain, ALICE) == 9_000_000


def test_what_makes_no_validator(chain: SmallChain) -> None:
    assert chain.code("staking.create_validator", b"k" * 31, 1_000_000) == "bad_consensus_key"
    assert chain.code("staking.create_validator", b"k" * 32, 999_999) == "stake_too_small"
    assert chain.code("staking.create_validator", b"k" * 32, 10_000_001) == "insufficient_funds"
    assert chain.send("staking.create_validator", b"k" * 32, 1_000_000) == "ok"
    assert chain.code("staking.create_validator", b"l" * 32, 1_000_000) == "already_validator"
    assert chain.code("staking.create_validator", b"k" * 32, 1_000_000, sender=BOB) == "consensus_key_taken"


def test_a_stake_goes_out_and_waits_and_comes_back(chain: SmallChain) -> None:
    chain.send("staking.create_validator", b"k" * 32, 2_000_000)
    assert chain.send("staking.delegate", ALICE, 700, sender=BOB) == "ok"
    assert chain.ask("staking.stake", BOB, ALICE) == 700
    assert chain.send("staking.undelegate", ALICE, 700, sender=BOB) == "ok"
    assert [key for key, _ in chain.rows("staking.delegations")] == [(ALICE, ALICE)]
    assert chain.code("staking.claim", ALICE, sender=BOB) == "nothing_matured"
    chain.height += WAIT
    assert chain.send("staking.claim", ALICE, sender=BOB) == "ok"
    assert balance(chain, BOB) == 10_000_000
    assert chain.rows("staking.unbondings") == []


def test_who_undelegates_twice_in_a_block_waits_once_and_seven_times_at_most(chain: SmallChain) -> None:
    chain.send("staking.create_validator", b"k" * 32, 2_000_000)
    for _ in range(7):
        assert chain.send("staking.undelegate", ALICE, 10) == "ok"
        assert chain.send("staking.undelegate", ALICE, 5) == "ok"
        chain.height += 1
    assert [row.coins for _, row in chain.rows("staking.unbondings")] == [15] * 7
    assert chain.code("staking.undelegate", ALICE, 10) == "too_many_unbondings"
    chain.height += WAIT - 4
    assert chain.send("staking.claim", ALICE) == "ok"
    assert [row.coins for _, row in chain.rows("staking.unbondings")] == [15] * 3


def test_a_validator_below_the_least_stake_leaves_and_may_come_back(chain: SmallChain) -> None:
    chain.send("staking.create_validator", b"k" * 32, 1_000_000)
    assert chain.code("staking.bond") == "already_bonded"
    assert chain.code("staking.bond", sender=BOB) == "no_such_validator"
    chain.send("staking.undelegate", ALICE, 1)
    assert not chain.rows("staking.validators")[0][1].bonded
    assert chain.code("staking.bond") == "stake_too_small"
    chain.send("staking.delegate", ALICE, 1)
    assert not chain.rows("staking.validators")[0][1].bonded
    assert chain.send("staking.bond") == "ok"
    assert chain.rows("staking.validators")[0][1].bonded


def test_an_empty_validator_begins_again_at_one_share_a_coin(chain: SmallChain) -> None:
    chain.send("staking.create_validator", b"k" * 32, 1_000_000)
    chain.send("staking.undelegate", ALICE, 1_000_000)
    ((_, row),) = chain.rows("staking.validators")
    assert (row.tokens, row.shares, row.bonded) == (0, 0, False)
    assert chain.send("staking.delegate", ALICE, 5, sender=BOB) == "ok"
    assert chain.rows("staking.validators")[0][1].shares == 5 * SHARE


def test_what_is_no_stake(chain: SmallChain) -> None:
    assert chain.code("staking.delegate", CAROL, 5) == "no_such_validator"
    put(chain, "staking.validators", (CAROL,), tokens=0, shares=SHARE)
    assert chain.code("staking.delegate", CAROL, 5) == "validator_without_tokens"
    put(chain, "staking.validators", (CAROL,), tokens=10**6, shares=1)
    assert chain.code("staking.delegate", CAROL, 5) == "too_few_coins"
    assert chain.code("staking.undelegate", CAROL, 5) == "no_such_delegation"
    chain.send("staking.create_validator", b"k" * 32, 1_000_000)
    assert chain.code("staking.undelegate", ALICE, 1_000_001) == "not_enough_shares"
    assert chain.code("staking.undelegate", ALICE, 0) == "too_few_coins"


# --- treasury and faucet ---------------------------------------------------------------------------------------------


def test_donations_reach_the_pool_and_are_remembered(chain: SmallChain) -> None:
    assert chain.send("treasury.donate", 7) == "ok"
    assert chain.send("treasury.donate", 5) == "ok"
    assert chain.ask("treasury.pool") == 12
    assert [(key, row.given) for key, row in chain.rows("treasury.donors")] == [((ALICE,), 12)]
    assert chain.code("treasury.donate", 0) == "no_coins"
    assert chain.code("treasury.donate", 1, sender=CAROL) == "insufficient_funds"


def test_the_faucet_drips_a_bounded_amount_in_each_span(chain: SmallChain) -> None:
    assert chain.code("faucet.drip", CAROL, 1) == "pot_is_empty"
    assert chain.code("faucet.refill", 1) == "no_pot"
    put(chain, "faucet.pots", ("pot",), coins=25, most=10, span=100)
    assert chain.code("faucet.drip", CAROL, 0) == "no_coins"
    assert chain.send("faucet.drip", CAROL, 6) == "ok"
    assert chain.code("faucet.drip", CAROL, 5, sender=BOB) == "enough_for_now"
    assert chain.send("faucet.drip", CAROL, 4) == "ok"
    assert chain.send("faucet.drip", BOB, 10) == "ok"
    chain.height += 100
    assert chain.code("faucet.drip", CAROL, 6) == "pot_is_empty"
    assert chain.send("faucet.refill", 1) == "ok"
    assert chain.send("faucet.drip", CAROL, 6) == "ok"
    assert (balance(chain, CAROL), chain.ask("faucet.left")) == (16, 0)


# --- together --------------------------------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *("bank.send", "bank.lock", "bank.release", "staking.delegate", "staking.undelegate", "staking.claim"),
                *("staking.create_validator", "treasury.donate", "faucet.drip", "faucet.refill", "slash", "wait"),
            ]
        ),
        st.sampled_from([ALICE, BOB, CAROL]),
        st.sampled_from([ALICE, BOB, CAROL]),
        st.integers(0, 3_000_000),
    ),
    max_size=40,
)


def do(chain: SmallChain, name: str, who: bytes, whom: bytes, n: int) -> int:
    """One step; the coins it burns."""
    if name == "wait":
        chain.height += n
    elif name == "slash":
        table = LOADED.tables["staking.validators"]
        row = chain.overlay.get(table, (whom,))
        if row is not None:
            burnt = min(row.tokens, n)
            chain.overlay.put(table, (whom,), row.but(tokens=row.tokens - burnt))
            return burnt
    else:
        takes = [spec.name for spec in LOADED.call_of(name).declaration.args.fields]
        values = {"to": whom, "validator": whom, "coins": n, "end": chain.height + n, "key": who + b"k" * 12}
        chain.send(name, *(values[field] for field in takes), sender=who)
    return 0


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_coins_and_shares_add_up_whatever_happens(tmp_path_factory: pytest.TempPathFactory, steps: Any) -> None:
    with small_chain(tmp_path_factory.mktemp("core"), LOADED) as chain:
        for owner in (ALICE, BOB, CAROL):
            put(chain, "bank.accounts", (owner,), balance=5_000_000)
        put(chain, "faucet.pots", ("pot",), coins=1000, most=300, span=10)
        supply = coins(chain)
        for step in steps:
            supply -= do(chain, *step)
        assert coins(chain) == supply
        held: dict[bytes, int] = {}
        for (_, validator), row in chain.rows("staking.delegations"):
            assert row.shares > 0
            held[validator] = held.get(validator, 0) + row.shares
        shares = {key[0]: row.shares for key, row in chain.rows("staking.validators")}
        assert {validator: sum_of for validator, sum_of in shares.items() if sum_of} == held
        assert all(row.locked <= row.original for _, row in chain.rows("bank.vestings"))
