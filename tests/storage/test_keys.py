"""Bytes of keys sort as their values do, and a prefix of parts is a prefix of bytes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.errors import InvalidKey, InvalidSchema
from storage.keys import KEY_KINDS, MAX_PART_BYTES, KeyKind, pack_key, packer_of, unpack_key
from storage.record import Amount, Record, Text, field
from storage.tables import Half, Table, host_table
from tests.storage.vector_files import load

VALUES: dict[KeyKind, st.SearchStrategy[Any]] = {
    "address": st.binary(min_size=20, max_size=20),
    "hash": st.binary(min_size=32, max_size=32),
    "amount": st.one_of(st.integers(0, 2**256 - 1), st.integers(0, 1000)),
    "text": st.one_of(st.text(max_size=12), st.text("\0a", max_size=6)),
    "data": st.one_of(st.binary(max_size=12), st.lists(st.sampled_from([0, 1, 254, 255]), max_size=6).map(bytes)),
}
KINDS = st.lists(st.sampled_from(KEY_KINDS), max_size=4).map(tuple)


def keys_of(kinds: tuple[KeyKind, ...]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.tuples(*(VALUES[kind] for kind in kinds))


def real(kinds: list[str], values: list[str]) -> tuple[Any, ...]:
    read: dict[str, Any] = {"amount": int, "text": str}
    return tuple(read.get(kind, bytes.fromhex)(value) for kind, value in zip(kinds, values, strict=False))


@pytest.mark.parametrize("vector", load("keys.json")["vectors"], ids=lambda vector: f"{vector['hex'][:40]}")
def test_a_vector_is_reproduced_exactly(vector: dict[str, Any]) -> None:
    kinds = tuple(vector["kinds"])
    values = real(vector["kinds"], vector["values"])
    assert pack_key(kinds, values).hex() == vector["hex"]
    assert unpack_key(kinds[: len(values)], bytes.fromhex(vector["hex"])) == values


@settings(max_examples=300, deadline=None)
@given(KINDS.flatmap(lambda kinds: st.tuples(st.just(kinds), keys_of(kinds), keys_of(kinds))))
def test_bytes_sort_as_values_do(case: tuple[tuple[KeyKind, ...], tuple[Any, ...], tuple[Any, ...]]) -> None:
    kinds, one, two = case
    first, second = pack_key(kinds, one), pack_key(kinds, two)
    assert (first < second) == (one < two)
    assert (first == second) == (one == two)
    assert unpack_key(kinds, first) == one
    assert packer_of(kinds)(one) == first


@settings(max_examples=300, deadline=None)
@given(
    KINDS.flatmap(lambda kinds: st.tuples(st.just(kinds), keys_of(kinds), keys_of(kinds), st.integers(0, len(kinds))))
)
def test_the_first_parts_are_a_prefix_of_exactly_the_keys_that_begin_with_them(
    case: tuple[tuple[KeyKind, ...], tuple[Any, ...], tuple[Any, ...], int],
) -> None:
    kinds, one, two, parts = case
    prefix = packer_of(kinds)(one[:parts])
    assert pack_key(kinds, one).startswith(prefix)
    assert pack_key(kinds, two).startswith(prefix) == (one[:parts] == two[:parts])


@settings(max_examples=300, deadline=None)
@given(KINDS, st.binary(max_size=80))
def test_bytes_are_a_key_only_if_packing_gives_them(kinds: tuple[KeyKind, ...], raw: bytes) -> None:
    try:
        values = unpack_key(kinds, raw)
    except InvalidKey:
        return
    assert pack_key(kinds, values) == raw


REFUSED: dict[str, tuple[tuple[KeyKind, ...], tuple[Any, ...]]] = {
    "a short address": (("address",), (b"a" * 19,)),
    "text as an address": (("address",), ("a" * 20,)),
    "a long hash": (("hash",), (bytes(33),)),
    "a negative amount": (("amount",), (-1,)),
    "an amount of 257 bits": (("amount",), (2**256,)),
    "a flag": (("amount",), (True,)),
    "bytes as text": (("text",), (b"a",)),
    "a lone surrogate": (("text",), ("\ud800",)),
    "text as data": (("data",), ("a",)),
    "data over its bound": (("data",), (bytes(MAX_PART_BYTES + 1),)),
    "text over its bound": (("text",), ("\u00e4" * (MAX_PART_BYTES // 2 + 1),)),
    "too many parts": (("amount",), (1, 2)),
}


@pytest.mark.parametrize(("kinds", "values"), REFUSED.values(), ids=REFUSED)
def test_a_value_of_another_kind_is_refused(kinds: tuple[KeyKind, ...], values: tuple[Any, ...]) -> None:
    with pytest.raises(InvalidKey):
        pack_key(kinds, values)
    with pytest.raises(InvalidKey):
        packer_of(kinds)(values)


CUT: dict[str, tuple[tuple[KeyKind, ...], str]] = {
    "no amount": (("amount",), ""),
    "an amount cut off": (("amount",), "0201"),
    "an amount with a leading zero": (("amount",), "020001"),
    "an amount of 33 bytes": (("amount",), "21" + "ff" * 33),
    "an address cut off": (("address",), "11" * 19),
    "text without end": (("text",), "6161"),
    "text ending in one zero": (("text",), "616100"),
    "an unknown escape": (("text",), "61000161" + "0000"),
    "text that is no UTF-8": (("text",), "ff0000"),
    "data over its bound": (("data",), "01" * (MAX_PART_BYTES + 1) + "0000"),
    "bytes left over": (("amount",), "010500"),
}


@pytest.mark.parametrize(("kinds", "raw"), CUT.values(), ids=CUT)
def test_bytes_that_are_no_key_are_refused(kinds: tuple[KeyKind, ...], raw: str) -> None:
    with pytest.raises(InvalidKey, match="does not fit"):
        unpack_key(kinds, bytes.fromhex(raw))


class Row(Record):
    count: Amount = field(1, default=0)


class Named(Record):
    name: Text = field(1, default="")


def test_a_table_packs_keys_and_knows_its_codec() -> None:
    votes = Table("governance.votes", Half.HOST, ("amount", "address"), ("proposal", "voter"), Row)
    key = (7, b"a" * 20)
    assert votes.unpack(votes.pack(key)) == key
    assert votes.pack(key).startswith(votes.pack(key[:1]))
    assert votes.codec.decode(votes.codec.encode(Row(count=3))) == Row(count=3)


def test_a_table_without_key_has_one_row() -> None:
    table = host_table("host.supply", Row, (), ())
    assert (table.half, table.pack(()), table.unpack(b"")) == (Half.HOST, b"", ())


def test_the_digest_of_a_table_covers_key_kinds_and_record_but_not_its_names() -> None:
    base = host_table("a.rows", Row)
    assert base.schema_digest == host_table("b.rows", Row, names=("holder",)).schema_digest
    assert base.schema_digest != host_table("a.rows", Row, ("hash",)).schema_digest
    assert base.schema_digest != host_table("a.rows", Named).schema_digest


def test_a_table_whose_names_do_not_fit_its_key_is_refused() -> None:
    with pytest.raises(InvalidSchema, match="does not fit"):
        host_table("a.rows", Row, ("address", "amount"), ("owner",))
    with pytest.raises(InvalidSchema, match="does not fit"):
        host_table("a.rows", Row, ("float",), ("owner",))  # type: ignore[arg-type]
