"""Arguments as one types them: right ones become canonical bytes, wrong ones are named with their type."""

from typing import Any

import click
import pytest

from governance.calls import CastVote, Propose
from runtime.address import address_text
from scripts.arguments import encoded, given, signature_of
from storage.codec import codec_of
from storage.record import Address, Amount, Data, Flag, Hash, Record, Text, field, schema_of

ALICE = "syn1qyqszqgpqyqszqgpqyqszqgpqyqszqgptjvnl5"


class Sample(Record):
    """One argument of every plain kind."""

    to: Address = field(1)
    coins: Amount = field(2)
    fast: Flag = field(3, default=False)
    note: Text = field(4, default="")
    raw: Data = field(5, default=b"")
    name: Hash = field(6)
    tags: tuple[Text, ...] = field(7, default=())


SCHEMA = schema_of(Sample)
HASH = "ab" * 32


def parsed(*words: str) -> dict[str, Any]:
    return given("sample.do", SCHEMA, words, lambda who: {"alice": ALICE}.get(who, who))


def test_every_kind_is_typed_as_people_would_and_becomes_the_bytes_of_the_record() -> None:
    to = address_text(bytes(range(20)))
    values = given(
        "sample.do",
        SCHEMA,
        ("to=alice", "coins=1000", "fast=true", "note=a=b c", "raw=00ff", f"name={HASH}", 'tags=["x", "y"]'),
        lambda who: to,
    )
    record = Sample(
        to=bytes(range(20)), coins=1000, fast=True, note="a=b c", raw=b"\x00\xff", name=b"\xab" * 32, tags=("x", "y")
    )
    assert encoded("sample.do", SCHEMA, values) == codec_of(Sample).encode(record)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("coins=ten",), "coins (amount): an amount is a decimal string"),
        (("coins=-1",), "coins (amount)"),
        (("coins=1.5",), "coins (amount)"),
        (("coins=",), "coins (amount)"),
        ((f"coins={2**256}",), "coins (amount)"),
        (("to=bob",), "to (address)"),
        (("fast=yes",), "fast (flag): a flag is true or false"),
        (("raw=0",), "raw (data): bytes are a hex string"),
        (("name=ab",), "name (hash): a hash is 64 hex digits"),
        (("tags=x",), "tags ([text]) is given as JSON"),
        (('tags={"a": 1}',), "must be a list"),
        (("tags=" + "[" * 100_000,), "tags ([text]) is given as JSON"),
        (("cions=1",), "no argument 'cions'"),
        (("1000",), "'1000' is not name=value"),
        (("coins=1", "coins=2"), "coins is given twice"),
        (("coins=1",), "lacks to (address), name (hash)"),
        ((), "sample.do to=ADDRESS coins=AMOUNT [fast=FLAG] [note=TEXT] [raw=DATA] name=HASH [tags=JSON]"),
    ],
)
def test_what_is_wrong_is_named_with_its_type(words: tuple[str, ...], named: str) -> None:
    with pytest.raises(click.UsageError) as wrong:
        parsed(*words)
    assert "sample.do" in wrong.value.message or "name=value" in wrong.value.message
    assert named in wrong.value.message


def test_records_and_variants_are_json_as_the_node_spells_it() -> None:
    schema = schema_of(Propose)
    words = ("title=Hi", 'content={"case": 9, "value": {}}', 'window={}', "deposit=1000")
    values = given("governance.propose", schema, words, str)
    assert codec_of(Propose).decode_canonical(encoded("governance.propose", schema, values)).deposit == 1000


def test_a_call_shows_how_it_is_typed() -> None:
    assert signature_of("governance.vote", schema_of(CastVote)) == (
        "governance.vote proposal=AMOUNT [option=TEXT] [bundle=DATA] effect=HASH [split=JSON]"
    )
