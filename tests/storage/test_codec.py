"""One value, one encoding: what is written is read back, and nothing else is read."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.codec import codec_of
from storage.errors import InvalidRecord, NotCanonical
from storage.record import (
    Address,
    Amount,
    Data,
    Flag,
    Hash,
    Record,
    Schema,
    Text,
    TypeSpec,
    Variant,
    case,
    define_record,
    define_variant,
    field,
    schema_of,
    variant_of,
)
from storage.schema import MAX_DATA_BYTES, MAX_ITEMS, MAX_TEXT_BYTES
from tests.storage.vector_files import document_of, load, plain_bytes, record_from, schema_from

ALICE = b"a" * 20


class Account(Record):
    balance: Amount = field(1, value="coin")
    owner: Address = field(2)
    frozen: Flag = field(5, default=False)


class Plain(Record):
    title: Text = field(1, default="")


class Upgrade(Record):
    code: Hash = field(1)
    height: Amount = field(2)


class Payload(Variant):
    upgrade: Upgrade = case(1)
    plain: Plain = case(4)


class Proposal(Record):
    payload: Payload = field(1)
    first: Account = field(2)
    more: tuple[Account, ...] = field(3, default=())
    pays: tuple[Payload, ...] = field(20, default=())
    grid: tuple[tuple[Text, ...], ...] = field(300, default=())
    note: Data = field(301, default=b"")


AMOUNTS = st.one_of(
    st.integers(0, 2**256 - 1), st.integers(0, 300), st.sampled_from([2**64 - 1, 2**64, 2**72 - 1, 2**256 - 1])
)
ACCOUNTS = st.builds(
    Account, balance=AMOUNTS, owner=st.binary(min_size=20, max_size=20), frozen=st.booleans()
)
PAYLOADS = st.one_of(
    st.builds(Upgrade, code=st.binary(min_size=32, max_size=32), height=AMOUNTS), st.builds(Plain, title=st.text())
).map(Payload.of)
PROPOSALS = st.builds(
    Proposal,
    payload=PAYLOADS,
    first=ACCOUNTS,
    more=st.lists(ACCOUNTS, max_size=4).map(tuple),
    pays=st.lists(PAYLOADS, max_size=4).map(tuple),
    grid=st.lists(st.lists(st.text(), max_size=3).map(tuple), max_size=3).map(tuple),
    note=st.binary(max_size=300),
)

RECORDS = load("records.json")["vectors"]
REFUSED = load("refused.json")["vectors"]


@pytest.mark.parametrize("vector", RECORDS, ids=lambda vector: vector["about"])
def test_a_vector_is_reproduced_exactly(vector: dict[str, Any]) -> None:
    schema = schema_from(vector["schema"])
    codec = codec_of(define_record(schema))
    record = record_from(schema, vector["value"])
    raw = bytes.fromhex(vector["hex"])
    assert codec.encode(record) == raw == plain_bytes(schema, record)
    assert document_of(codec.decode_canonical(raw)) == vector["value"]
    assert codec.decode(raw) == record
    assert schema.digest.hex() == vector["digest"]


@pytest.mark.parametrize("vector", REFUSED, ids=lambda vector: vector["about"])
def test_bytes_that_are_not_canonical_are_refused(vector: dict[str, Any]) -> None:
    codec = codec_of(define_record(schema_from(vector["schema"])))
    with pytest.raises(NotCanonical, match="not the canonical encoding"):
        codec.decode_canonical(bytes.fromhex(vector["hex"]))


@settings(max_examples=300, deadline=None)
@given(PROPOSALS)
def test_every_record_comes_back_from_its_bytes(proposal: Proposal) -> None:
    codec = codec_of(Proposal)
    raw = codec.encode(proposal)
    assert codec.decode(raw) == codec.decode_canonical(raw) == proposal
    assert raw == plain_bytes(schema_of(Proposal), proposal)


@settings(max_examples=200, deadline=None)
@given(PROPOSALS)
def test_a_class_made_from_a_schema_has_the_same_bytes(proposal: Proposal) -> None:
    again = schema_from(json.loads(json.dumps(_schema_document(schema_of(Proposal)))))
    made = define_record(again)
    assert again.digest == schema_of(Proposal).digest
    assert made is define_record(again)
    raw = codec_of(Proposal).encode(proposal)
    twin = codec_of(made).decode_canonical(raw)
    assert codec_of(made).encode(twin) == raw
    assert document_of(twin) == document_of(proposal)


@settings(max_examples=300, deadline=None)
@given(st.one_of(ACCOUNTS, ACCOUNTS.map(lambda each: each.but(balance=2**64 + each.balance % 2**200))), st.data())
def test_changed_bytes_are_refused_or_are_another_value(account: Account, data: st.DataObject) -> None:
    codec = codec_of(Account)
    raw = codec.encode(account)
    at = data.draw(st.integers(0, len(raw) - 1))
    changed = raw[:at] + bytes((raw[at] ^ data.draw(st.integers(1, 255)),)) + raw[at + 1 :]
    try:
        other = codec.decode_canonical(changed)
    except NotCanonical:
        return
    assert other != account
    assert codec.encode(other) == changed


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=60))
def test_garbage_raises_nothing_but_not_canonical(raw: bytes) -> None:
    for record in (Account, Proposal, Plain):
        with suppress(NotCanonical):
            assert codec_of(record).encode(codec_of(record).decode_canonical(raw)) == raw


ALICES = Account(balance=5, owner=ALICE)
BREACHES: dict[str, tuple[Record, str]] = {
    "a negative amount": (ALICES.but(balance=-1), "Account.balance"),
    "an amount of 257 bits": (ALICES.but(balance=2**256), "Account.balance"),
    "a flag as amount": (ALICES.but(balance=True), "Account.balance"),
    "no amount": (ALICES.but(balance=None), "Account.balance"),
    "a number as flag": (ALICES.but(frozen=0), "Account.frozen"),
    "a short address": (ALICES.but(owner=b"a" * 19), "Account.owner"),
    "text as bytes": (ALICES.but(owner="a" * 20), "Account.owner"),
    "long text": (Plain(title="a" * (MAX_TEXT_BYTES + 1)), "Plain.title"),
    "text whose UTF-8 is too long": (Plain(title="\N{EURO SIGN}" * (MAX_TEXT_BYTES // 3 + 1)), "Plain.title"),
    "a lone surrogate": (Plain(title="\ud800"), "Plain.title"),
    "bytes as text": (Plain(title=b"a"), "Plain.title"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize(("record", "place"), BREACHES.values(), ids=BREACHES)
def test_a_field_that_breaks_its_bounds_is_never_written(record: Record, place: str) -> None:
    with pytest.raises(InvalidRecord, match=place):
        codec_of(type(record)).check(record)


PROPOSAL = Proposal(payload=Payload.of(Plain(title="hello")), first=ALICES)
NESTED: dict[str, tuple[Record, str]] = {
    "a list for a tuple": (PROPOSAL.but(more=[ALICES]), "Proposal.more"),
    "another record": (PROPOSAL.but(first=Plain()), "Proposal.first"),
    "a record for a variant": (PROPOSAL.but(payload=Plain()), "Proposal.payload"),
    "a breach inside": (PROPOSAL.but(more=(ALICES, ALICES.but(balance=-1))), "Account.balance"),
    "a breach in a case": (PROPOSAL.but(payload=Payload.of(Upgrade(code=b"", height=1))), "Upgrade.code"),
    "too many items": (PROPOSAL.but(grid=((),) * (MAX_ITEMS + 1)), "Proposal.grid"),
    "data over its bound": (PROPOSAL.but(note=bytes(MAX_DATA_BYTES + 1)), "Proposal.note"),
}


@pytest.mark.parametrize(("record", "place"), NESTED.values(), ids=NESTED)
def test_a_breach_within_is_found_and_named(record: Record, place: str) -> None:
    with pytest.raises(InvalidRecord, match=place):
        codec_of(Proposal).encode(record)  # type: ignore[arg-type]


def test_a_value_of_another_class_is_not_encoded() -> None:
    with pytest.raises(InvalidRecord, match="must be a Account"):
        codec_of(Account).encode(Plain())  # type: ignore[arg-type]


def test_the_largest_text_and_data_are_written() -> None:
    for title in ("a" * MAX_TEXT_BYTES, "\u00e4" * (MAX_TEXT_BYTES // 2)):
        assert codec_of(Plain).decode_canonical(codec_of(Plain).encode(Plain(title=title))).title == title
    noted = PROPOSAL.but(note=bytes(MAX_DATA_BYTES))
    assert codec_of(Proposal).decode_canonical(codec_of(Proposal).encode(noted)) == noted


def test_text_of_few_characters_but_many_bytes_is_refused_when_read_too() -> None:
    title = "\N{EURO SIGN}" * (MAX_TEXT_BYTES // 3 + 1)
    raw = plain_bytes(schema_of(Plain), Plain(title=title))
    with pytest.raises(NotCanonical, match="bytes of UTF-8"):
        codec_of(Plain).decode_canonical(raw)


def test_a_new_field_with_a_default_changes_no_stored_byte() -> None:
    class Wider(Record):
        balance: Amount = field(1, value="coin")
        owner: Address = field(2)
        frozen: Flag = field(5, default=False)
        since: Amount = field(6, default=0)

    old = codec_of(Account).encode(ALICES)
    read = codec_of(Wider).decode(old)
    assert read == Wider(balance=5, owner=ALICE)
    assert codec_of(Wider).encode(read) == old


def test_a_variant_gives_back_the_very_record_it_holds() -> None:
    held = Upgrade(code=bytes(32), height=7)
    variant = Payload.of(held)
    assert (variant.value, variant.case) == (held, "upgrade")
    assert isinstance(variant.value, Upgrade)
    with pytest.raises(InvalidRecord, match="no case holds a Account"):
        Payload.of(ALICES)
    with pytest.raises(ValueError, match="exactly one case"):
        Payload()


def test_a_variant_made_from_its_type_reads_what_the_written_one_wrote() -> None:
    made = define_variant(variant_of(Payload))
    holder = Schema("Holder", (schema_of(Proposal).fields[0],))

    class Holder(Record):
        payload: Payload = field(1)

    raw = codec_of(Holder).encode(Holder(payload=Payload.of(Plain(title="x"))))
    read: Any = codec_of(define_record(holder)).decode_canonical(raw)
    assert type(read.payload) is made
    assert read.payload.value.title == "x"


def _schema_document(schema: Schema) -> Any:
    fields = [[f.number, f.name, _type_document(f.type), f.has_default, f.value] for f in schema.fields]
    return {"name": schema.name, "fields": fields}


def _type_document(spec: TypeSpec) -> Any:
    if spec.item is not None:
        return {"list": _type_document(spec.item)}
    if spec.schema is not None:
        return {"record": _schema_document(spec.schema)}
    if spec.cases:
        return {"variant": [[number, _schema_document(schema)] for number, schema in spec.cases]}
    return spec.kind
