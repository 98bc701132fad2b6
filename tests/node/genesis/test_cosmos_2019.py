"""The Cosmos Hub's own genesis of 2019: every coin of it arrives, and damage to it is named by place."""

import copy
import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from node.genesis.document import SHARE, Genesis
from node.genesis.errors import GenesisInconsistent, GenesisMalformed, GenesisRefused
from node.genesis.reading import load_genesis, read_genesis
from node.genesis.substitute import account_key, validator_key
from runtime import bech32


@pytest.fixture(scope="module")
def export(hub_file: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(hub_file.read_bytes())
    return document


def test_the_hub_has_its_accounts_validators_and_delegations(hub: Genesis) -> None:
    assert len(hub.accounts) == 1_027
    assert len(hub.validators) == 105
    assert sum(validator.bonded for validator in hub.validators) == 99
    assert len(hub.delegations) == 1_112
    assert len(hub.unbonding) == 60


def test_every_coin_of_the_hub_is_in_exactly_one_place(hub: Genesis, export: dict[str, Any]) -> None:
    accounts = sum(account.balance for account in hub.accounts) + sum(part.locked for part in hub.vesting)
    assert accounts == 112_415_519_659_537
    assert sum(validator.tokens for validator in hub.validators) == 121_093_306_520_836
    assert sum(entry.coins for entry in hub.unbonding) == 4_014_760_650_077
    assert hub.community_pool == 27_661_082_445
    pools = export["app_state"]["staking"]["pool"]
    assert hub.supply == int(pools["bonded_tokens"]) + int(pools["not_bonded_tokens"]) == 237_551_247_912_895


def test_the_sum_of_accounts_holds_the_deposits_and_the_locked_coins(hub: Genesis) -> None:
    deposits = next(account for account in hub.accounts if account.address == hub.deposit_account)
    assert deposits.role == "deposits"
    assert deposits.balance == sum(deposit.coins for deposit in hub.deposits) == 1_025_000_001
    assert {deposit.proposal for deposit in hub.deposits} == {4, 5}
    assert sum(part.locked for part in hub.vesting) == 22_621_786_042_217


def test_locked_coins_are_what_still_vests_and_is_not_delegated(hub: Genesis, export: dict[str, Any]) -> None:
    def amount(coins: list[dict[str, str]] | None) -> int:
        return sum(int(coin["amount"]) for coin in coins or [])

    expected = {}
    for account in export["app_state"]["accounts"]:
        loose = amount(account["original_vesting"]) - amount(account["delegated_vesting"])
        if loose > 0:
            expected[bech32.decode(account["address"])[1]] = min(loose, amount(account["coins"]))
    assert {part.owner: part.locked for part in hub.vesting} == expected


def test_addresses_keep_their_bytes(hub: Genesis, export: dict[str, Any]) -> None:
    texts = [account["address"] for account in export["app_state"]["accounts"]]
    assert {account.address for account in hub.accounts} == {bech32.decode(text)[1] for text in texts}


def test_shares_are_exact_to_18_decimals(hub: Genesis, export: dict[str, Any]) -> None:
    written = [row["shares"] for row in export["app_state"]["staking"]["delegations"]]
    assert sorted(delegation.shares for delegation in hub.delegations) == sorted(
        int(text.replace(".", "")) for text in written
    )
    slashed = [validator for validator in hub.validators if validator.shares != validator.tokens * SHARE]
    assert len(slashed) == 4


def test_every_person_and_validator_has_a_marked_substitute_key(hub: Genesis) -> None:
    persons = [account for account in hub.accounts if not account.role]
    assert len(persons) == 1_025
    assert all(account.substitute for account in persons)
    assert all(account.key == account_key("1", account.address).public for account in persons[:20])
    assert all(validator.key == validator_key("1", validator.operator).public for validator in hub.validators[:20])


def test_nobody_can_sign_for_a_module_of_the_hub(hub: Genesis) -> None:
    modules = [account for account in hub.accounts if account.role]
    assert {account.role for account in modules} == {"deposits", "burned deposits"}
    assert not any(account.key for account in modules)


def test_the_rehearsal_has_another_id_and_the_same_name(hub: Genesis, hub_file: Path) -> None:
    assert (hub.chain_id, hub.chain_name) == ("cosmoshub-2-rehearsal-1", "cosmoshub-2")
    assert hub.source.chain == "cosmoshub-2"
    assert hub.source.digest == sha256(hub_file.read_bytes()).hexdigest()


def test_one_file_and_seed_give_one_digest_and_another_seed_another(hub: Genesis, hub_file: Path) -> None:
    assert load_genesis(hub_file, "1").digest == hub.digest
    assert load_genesis(hub_file, "2").digest != hub.digest


def test_the_document_reads_back_as_itself(hub: Genesis) -> None:
    assert read_genesis(hub.canonical(), "another seed is not used") == hub


def one_coin_more(state: dict[str, Any]) -> None:
    coins = state["accounts"][0]["coins"][0]
    coins["amount"] = str(int(coins["amount"]) + 1)


def lost_share(state: dict[str, Any]) -> None:
    state["staking"]["delegations"].pop()


def wrong_checksum(state: dict[str, Any]) -> None:
    account = state["accounts"][5]
    account["address"] = account["address"][:-1] + ("q" if account["address"][-1] != "q" else "p")


def operator_in_place_of_an_account(state: dict[str, Any]) -> None:
    state["staking"]["delegations"][3]["delegator_address"] = state["staking"]["validators"][0]["operator_address"]


def no_tokens(state: dict[str, Any]) -> None:
    del state["staking"]["validators"][7]["tokens"]


def negative(state: dict[str, Any]) -> None:
    state["staking"]["validators"][7]["tokens"] = "-5"


def bare_fraction(state: dict[str, Any]) -> None:
    state["staking"]["validators"][7]["tokens"] = 5.5


def nineteen_places(state: dict[str, Any]) -> None:
    state["staking"]["delegations"][2]["shares"] = "1.0000000000000000001"


def no_list(state: dict[str, Any]) -> None:
    state["staking"]["delegations"] = {"a": 1}


def bad_time(state: dict[str, Any]) -> None:
    state["staking"]["unbonding_delegations"][0]["entries"][0]["completion_time"] = "2019-13-01T00:00:00Z"


def uncollected(state: dict[str, Any]) -> None:
    rewards = [{"denom": "uatom", "amount": "1.5"}]
    state["distr"]["outstanding_rewards"][4]["outstanding_rewards"] = rewards


def nobody(state: dict[str, Any]) -> None:
    state["accounts"] = []


@pytest.mark.parametrize(
    ("damage", "error", "place"),
    [
        (one_coin_more, GenesisInconsistent, "app_state.staking.pool.not_bonded_tokens"),
        (lost_share, GenesisInconsistent, "validators["),
        (wrong_checksum, GenesisMalformed, "app_state.accounts[5].address"),
        (operator_in_place_of_an_account, GenesisMalformed, "app_state.staking.delegations[3].delegator_address"),
        (no_tokens, GenesisMalformed, "app_state.staking.validators[7].tokens"),
        (negative, GenesisMalformed, "app_state.staking.validators[7].tokens"),
        (bare_fraction, GenesisMalformed, "app_state.staking.validators[7].tokens"),
        (nineteen_places, GenesisMalformed, "app_state.staking.delegations[2].shares"),
        (no_list, GenesisMalformed, "app_state.staking.delegations"),
        (bad_time, GenesisMalformed, "app_state.staking.unbonding_delegations[0].entries[0].completion_time"),
        (uncollected, GenesisInconsistent, "app_state.distr.outstanding_rewards[4]"),
        (nobody, GenesisMalformed, "app_state.accounts"),
    ],
)
def test_damage_is_named_by_its_place_in_the_file(
    export: dict[str, Any], damage: Callable[[dict[str, Any]], None], error: type[GenesisRefused], place: str
) -> None:
    damaged = copy.deepcopy(export)
    damage(damaged["app_state"])
    with pytest.raises(error) as raised:
        read_genesis(json.dumps(damaged).encode(), "1")
    assert place in str(raised.value)
    assert "\n" not in str(raised.value)
