"""Whatever file is given: a genesis, or one line that says what is wrong and where."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.genesis.document import Genesis
from node.genesis.errors import GenesisForeign, GenesisMalformed, GenesisMissing, GenesisRefused, SeedInvalid
from node.genesis.generated import generated_genesis
from node.genesis.place import UNIT, Place, parse
from node.genesis.reading import load_genesis, read_genesis

HERE = Path(__file__).parent
TOO_DEEP = b"[" * 200_000


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(GenesisMissing, match=r"nowhere\.json"):
        load_genesis(tmp_path / "nowhere.json", "1")


@pytest.mark.parametrize(
    "raw", [b"", b"\xff\xfe", b"[]", b"null", b"{", b'{"a":1,"a":2}', TOO_DEEP, b'{"a":' + b"9" * 5000 + b"}"]
)
def test_what_is_not_strict_json_is_refused(raw: bytes) -> None:
    with pytest.raises(GenesisMalformed):
        read_genesis(raw, "1")


def test_a_foreign_layout_is_refused_with_the_layouts_that_are_read() -> None:
    with pytest.raises(GenesisForeign, match=r"config, alloc.*Cosmos Hub export of 2019"):
        read_genesis(b'{"config": {}, "alloc": {}}', "1")


@pytest.mark.parametrize("seed", ["", "UP", "a b", "-a", "ä", "a" * 25, "a/b"])
def test_a_seed_that_cannot_stand_in_a_chain_id_is_refused(seed: str, theta: dict[str, Any]) -> None:
    with pytest.raises(SeedInvalid):
        read_genesis(json.dumps(theta).encode(), seed)


def change(document: dict[str, Any], path: list[str | int], value: Any) -> None:
    for step in path[:-1]:
        document = document[step]  # type: ignore[index]
    document[path[-1]] = value  # type: ignore[index]


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        (["accounts", 3, "balance"], "01", "accounts[3].balance"),
        (["accounts", 3, "balance"], -1, "accounts[3].balance"),
        (["accounts", 3, "balance"], True, "accounts[3].balance"),
        (["accounts", 3, "address"], "syn1qqqq", "accounts[3].address"),
        (["accounts", 3, "key"], "abcd", "accounts[3].key"),
        (["accounts", 3, "colour"], "red", "accounts[3].colour"),
        (["validators", 0, "bonded"], "perhaps", "validators[0].bonded"),
        (["parameters"], {"fee_floor": "1/0"}, "parameters.fee_floor"),
        (["chain_id"], "two words", "chain_id"),
        (["format"], 2, "format"),
        (["community_pool"], None, "community_pool"),
    ],
)
def test_a_wrong_value_in_our_own_document_is_named_by_its_place(
    path: list[str | int], value: object, place: str
) -> None:
    document = generated_genesis(6, 2, "1").model_dump(mode="json")
    change(document, path, value)
    with pytest.raises(GenesisMalformed) as raised:
        read_genesis(json.dumps(document).encode(), "1")
    assert raised.value.place == place


ANYTHING = st.sampled_from([None, True, -1, 0, 2**200, "", "0", "-1", "x", "cosmos1", "1.5", [], {}, [None], {"a": 1}])
THETA = (HERE / "theta-1.json").read_text()


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place in a document but its top."""
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in inner:
        yield from places(child, (*path, key))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(list(places(json.loads(THETA)))), ANYTHING)
def test_a_wrong_value_anywhere_ends_in_a_refusal_or_is_of_no_concern(path: tuple[str | int, ...], value: Any) -> None:
    document = json.loads(THETA)
    change(document, list(path), value)
    with suppress(GenesisRefused):
        assert read_genesis(json.dumps(document).encode(), "7").supply > 0


@given(st.integers(0, 10**38 - 1), st.integers(0, UNIT - 1))
def test_a_decimal_is_read_to_its_last_place(whole: int, part: int) -> None:
    text = f"{whole}.{part:018d}"
    assert Place({"x": text}).decimal("x") == whole * UNIT + part


def test_a_decimal_with_few_places_is_read_from_the_left() -> None:
    assert Place({"x": "1.05"}).decimal("x") == UNIT + UNIT // 20
    assert Place({"x": "7"}).decimal("x") == 7 * UNIT


@pytest.mark.parametrize("text", ["", ".5", "1.", "1e3", "-1", "+1", "01", "1.0000000000000000000", "1_0", "٣"])
def test_what_is_no_decimal_is_refused(text: str) -> None:
    with pytest.raises(GenesisMalformed):
        Place({"x": text}).decimal("x")


def test_a_fraction_that_nobody_reads_does_no_harm() -> None:
    assert parse(b'{"gas": 1.5, "n": 3}').integer("n") == 3


def test_a_document_survives_its_own_text(theta: dict[str, Any]) -> None:
    genesis = read_genesis(json.dumps(theta).encode(), "7")
    again = read_genesis(genesis.canonical(), "")
    assert isinstance(again, Genesis)
    assert again == genesis
    assert again.digest == genesis.digest
