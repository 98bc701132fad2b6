"""The laws of a genesis: each broken once, by a document that is otherwise sound."""

import json
import os
import subprocess
import sys
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.genesis.document import Deposit, Genesis, Vesting
from node.genesis.errors import GenesisImpossible, GenesisInconsistent, GenesisMalformed
from node.genesis.generated import generated_genesis
from node.genesis.reading import read_genesis
from node.genesis.substitute import account_key, validator_key

SOUND = generated_genesis(30, 3, "laws")
STRANGER = b"\x01" * 20


def but(**changes: Any) -> Genesis:
    fields = {name: getattr(SOUND, name) for name in Genesis.model_fields}
    return Genesis(**{**fields, **changes})


def first_changed(rows: tuple[Any, ...], **changes: Any) -> tuple[Any, ...]:
    return (rows[0].model_copy(update=changes), *rows[1:])


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"accounts": SOUND.accounts[::-1]}, "accounts[1]"),
        ({"accounts": (SOUND.accounts[0], *SOUND.accounts)}, "accounts[1]"),
        ({"delegations": SOUND.delegations[1:]}, "validators["),
        ({"delegations": first_changed(SOUND.delegations, owner=STRANGER)}, "delegations["),
        ({"validators": first_changed(SOUND.validators, shares=1)}, "validators[0].shares"),
        ({"validators": first_changed(SOUND.validators, key=b"")}, "validators[0].key"),
        ({"validators": first_changed(SOUND.validators, key=SOUND.validators[1].key)}, "validators"),
        ({"validators": tuple(v.model_copy(update={"bonded": False}) for v in SOUND.validators)}, "validators"),
        ({"accounts": first_changed(SOUND.accounts, key=SOUND.accounts[1].key)}, "accounts"),
        ({"vesting": (Vesting(owner=STRANGER, locked=1, original=1, start=0, end=1),)}, "vesting[0].owner"),
        (
            {"vesting": (Vesting(owner=SOUND.accounts[0].address, locked=2, original=1, start=0, end=1),)},
            "vesting[0]",
        ),
        (
            {"deposits": (Deposit(depositor=STRANGER, proposal=1, coins=5),), "deposit_account": STRANGER},
            "deposits",
        ),
    ],
)
def test_a_document_that_breaks_a_law_is_refused(changes: dict[str, Any], place: str) -> None:
    with pytest.raises(GenesisInconsistent) as raised:
        but(**changes)
    assert raised.value.place.startswith(place)


def test_the_digest_covers_every_field() -> None:
    others = {
        "chain_id": "other",
        "chain_name": "other",
        "seed": "other",
        "community_pool": 1,
        "faucet": None,
        "parameters": {"fee_floor": 2, "governance.quorum": Fraction(1, 3)},
    }
    digests = {but(**{name: value}).digest for name, value in others.items()} | {SOUND.digest}
    assert len(digests) == len(others) + 1


def test_ratios_and_integers_stay_what_they_are() -> None:
    given_parameters = {"fee_floor": 2, "quorum": Fraction(667, 1000), "whole": Fraction(1, 1)}
    again = Genesis.read(but(parameters=given_parameters).model_dump(mode="json"))
    assert again.parameters == given_parameters
    assert isinstance(again.parameters["whole"], Fraction)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 40), st.data())
def test_any_generated_genesis_is_sound_and_reads_back(accounts: int, data: st.DataObject) -> None:
    validators = data.draw(st.integers(1, accounts))
    genesis = generated_genesis(accounts, validators, "g")
    assert len(genesis.accounts) == accounts
    assert sum(validator.bonded for validator in genesis.validators) == validators
    assert Genesis.read(genesis.model_dump(mode="json")) == genesis


@pytest.mark.parametrize(("accounts", "validators"), [(0, 0), (3, 0), (3, 4)])
def test_a_chain_without_validators_or_with_too_many_is_refused(accounts: int, validators: int) -> None:
    with pytest.raises(GenesisImpossible):
        generated_genesis(accounts, validators, "1")


def test_generated_keys_follow_from_seed_and_address() -> None:
    assert all(account.key == account_key("laws", account.address).public for account in SOUND.accounts)
    assert all(one.key == validator_key("laws", one.operator).public for one in SOUND.validators)
    assert not any(account.substitute for account in SOUND.accounts)


DIGEST = "from node.genesis.generated import generated_genesis as g; print(g(30, 3, 'laws').digest.hex())"


def pythons() -> list[str]:
    return [sys.executable, *filter(None, [os.environ.get("SYNOD_OTHER_PYTHON")])]


@pytest.mark.parametrize("python", pythons())
@pytest.mark.parametrize("hash_seed", ["0", "4711"])
def test_another_process_hash_seed_or_python_gives_the_same_digest(python: str, hash_seed: str) -> None:
    env = {**os.environ, "PYTHONHASHSEED": hash_seed}
    answer = subprocess.run([python, "-c", DIGEST], capture_output=True, text=True, check=True, env=env)
    assert answer.stdout.strip() == SOUND.digest.hex()


@pytest.mark.parametrize("place", ["seed", "source.chain", "source.notes[0]", "validators[0].name"])
def test_a_text_that_no_encoding_takes_is_named_with_its_place(place: str) -> None:
    document = json.loads(SOUND.canonical())
    if place == "seed":
        document["seed"] = "\ud800"
    elif place == "source.chain":
        document["source"]["chain"] = "\ud800"
    elif place == "source.notes[0]":
        document["source"]["notes"] = ["\ud800"]
    else:
        document["validators"][0]["name"] = "\ud800"
    with pytest.raises(GenesisMalformed) as refused:
        read_genesis(json.dumps(document).encode(), "1")
    assert refused.value.place == place
