"""A small chain in the layout of SDK 0.47 and later: modules' accounts, kinds of vesting, foreign coins."""

import json
from hashlib import sha256
from typing import Any

import pytest

from node.genesis.document import Genesis, Vesting
from node.genesis.errors import GenesisInconsistent, GenesisMalformed
from node.genesis.reading import read_genesis
from node.genesis.schedules import NEVER


def person(name: str) -> bytes:
    return sha256(name.encode()).digest()[:20]


def read(document: dict[str, Any]) -> Genesis:
    return read_genesis(json.dumps(document).encode(), "7")


def balances(genesis: Genesis) -> dict[bytes, int]:
    return {account.address: account.balance for account in genesis.accounts}


def test_every_coin_of_the_bond_denomination_is_kept(theta: dict[str, Any]) -> None:
    stated = next(coin for coin in theta["app_state"]["bank"]["supply"] if coin["denom"] == "uatom")
    assert read(theta).supply == int(stated["amount"])


def test_the_staking_pools_become_stakes_and_do_not_count_twice(theta: dict[str, Any]) -> None:
    genesis = read(theta)
    assert person("bonded_tokens_pool") not in balances(genesis)
    assert person("not_bonded_tokens_pool") not in balances(genesis)
    assert [(one.tokens, one.bonded, one.jailed) for one in genesis.validators] == [
        (2_999_997, True, False),
        (250_000, False, True),
    ]


def test_the_distribution_account_splits_into_pool_and_rewards(theta: dict[str, Any]) -> None:
    genesis = read(theta)
    assert genesis.community_pool == 10_000
    assert balances(genesis)[person("distribution")] == 7


def test_the_gov_account_holds_the_deposits(theta: dict[str, Any]) -> None:
    genesis = read(theta)
    assert genesis.deposit_account == person("gov")
    assert {(deposit.proposal, deposit.depositor): deposit.coins for deposit in genesis.deposits} == {
        (2, person("alice")): 500,
        (2, person("bob")): 100,
        (3, person("carol")): 1_000,
        (4, person("bob")): 5_000,
    }


def test_each_kind_of_vesting_account_is_locked_as_cosmos_locks_it(theta: dict[str, Any]) -> None:
    genesis = read(theta)
    locked = {part.owner: part for part in genesis.vesting}

    def schedule(name: str, coins: int, start: int, end: int) -> Vesting:
        return Vesting(owner=person(name), locked=coins, original=coins, start=start, end=end)

    assert locked == {
        person("carol"): schedule("carol", 200_000, 0, 33_334),
        person("dave"): schedule("dave", 500_000, 9, 10),
        person("erin"): schedule("erin", 70_000, NEVER - 1, NEVER),
        person("frank"): schedule("frank", 90_000, 0, 15),
    }
    assert balances(genesis)[person("carol")] == 400_000
    assert balances(genesis)[person("dave")] == 0


def test_entries_that_mature_at_one_height_are_one(theta: dict[str, Any]) -> None:
    (entry,) = read(theta).unbonding
    assert (entry.completion, entry.coins) == (10, 40_000)


def test_nobody_can_sign_for_a_module_or_an_interchain_account(theta: dict[str, Any]) -> None:
    closed = {account.role for account in read(theta).accounts if not account.key}
    assert closed == {"gov", "distribution", "interchain", "mint"}


def test_what_could_not_be_kept_is_noted(theta: dict[str, Any]) -> None:
    notes = read(theta).source.notes
    assert notes == (
        "amounts in other denominations than uatom, left out: 3",
        "open proposals that would act, brought over as words alone: 1",
        "periodic vesting schedules, made into equal parts: 1",
        "uses of addresses not of 20 bytes, replaced by a digest of 20: 2",
        "votes on open proposals by accounts without power, which count nothing: 2",
    )


def test_a_delegator_without_an_account_gets_an_empty_one(theta: dict[str, Any]) -> None:
    state = theta["app_state"]
    state["auth"]["accounts"] = [
        account for account in state["auth"]["accounts"] if "operator-one" not in json.dumps(account)
    ]
    assert balances(read(theta))[person("operator-one")] == 0


def test_a_pool_that_differs_from_its_stakes_is_refused(theta: dict[str, Any]) -> None:
    theta["app_state"]["staking"]["validators"][0]["tokens"] = "2999998"
    with pytest.raises(GenesisInconsistent, match=r"bonded pool.*2999997.*2999998"):
        read(theta)


def test_a_supply_that_differs_from_the_balances_is_refused(theta: dict[str, Any]) -> None:
    theta["app_state"]["bank"]["balances"][1]["coins"][0]["amount"] = "1"
    with pytest.raises(GenesisInconsistent, match=r"bank\.supply"):
        read(theta)


def test_an_address_with_two_balances_is_refused(theta: dict[str, Any]) -> None:
    rows = theta["app_state"]["bank"]["balances"]
    rows.append(rows[0])
    with pytest.raises(GenesisMalformed, match=r"app_state\.bank\.balances\[11\]"):
        read(theta)
