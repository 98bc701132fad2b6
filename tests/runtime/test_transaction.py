"""Signed transactions: one encoding, one meaning, every flaw named."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.address import address_of
from runtime.errors import TransactionMalformed
from runtime.keys import derive, verify
from runtime.transaction import (
    Body,
    Call,
    Transaction,
    decode_transaction,
    sign,
    signing_bytes,
    transaction_id,
)
from storage.codec import codec_of
from storage.errors import InvalidRecord

KEY = derive(b"seed", "alice")
CALL = Call(module="bank", name="send", interface=b"12345678", args=b"\x81\xa11\x01")
BODY = Body(chain="synod-1", sender=address_of(KEY.public), nonce=3, fee=7, expiry=100, call=CALL, key=KEY.public)
MOST = 48 * 1024

names = st.text(max_size=64)
amounts = st.integers(0, 2**256 - 1)
calls = st.builds(
    Call, module=names, name=names, interface=st.binary(min_size=8, max_size=8), args=st.binary(max_size=300)
)
bodies = st.builds(
    Body,
    chain=names,
    sender=st.binary(min_size=20, max_size=20),
    nonce=amounts,
    fee=amounts,
    expiry=amounts,
    call=calls,
    key=st.sampled_from([b"", KEY.public]),
)


def refusal(raw, most=MOST):
    with pytest.raises(TransactionMalformed) as refused:
        decode_transaction(raw, most)
    return refused.value.code


def envelope(body_bytes, signature=bytes(64)):
    return codec_of(Transaction).encode(Transaction(body=body_bytes, signature=signature))


@given(bodies)
def test_a_signed_transaction_reads_back_and_its_signature_holds(body):
    raw = sign(body, KEY)
    transaction = decode_transaction(raw, MOST)
    assert transaction.body == body
    assert transaction.raw == raw
    assert transaction.id == transaction_id(raw)
    assert verify(KEY.public, transaction.message, transaction.signature)


def test_any_changed_field_takes_the_signature_away():
    signature = decode_transaction(sign(BODY, KEY), MOST).signature
    changes = {"chain": "synod-2", "nonce": 4, "fee": 8, "expiry": 101, "sender": bytes(20), "key": b""}
    for field, value in changes.items():
        changed = codec_of(Body).encode(BODY.but(**{field: value}))
        assert not verify(KEY.public, signing_bytes(changed), signature), field
    for field, value in {"module": "bunk", "name": "sent", "interface": b"12345679", "args": b""}.items():
        changed = codec_of(Body).encode(BODY.but(call=CALL.but(**{field: value})))
        assert not verify(KEY.public, signing_bytes(changed), signature), field


def test_a_body_alone_is_not_what_is_signed():
    raw = codec_of(Body).encode(BODY)
    assert signing_bytes(raw) != raw
    assert not verify(KEY.public, raw, decode_transaction(sign(BODY, KEY), MOST).signature)


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_bytes_from_anywhere_are_a_typed_refusal(raw):
    assert refusal(raw) in ("malformed", "not_canonical", "unsigned")


@settings(max_examples=300)
@given(st.data())
def test_a_mutated_transaction_is_refused_or_another_transaction(data):
    raw = bytearray(sign(BODY, KEY))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    try:
        transaction = decode_transaction(bytes(raw), MOST)
    except TransactionMalformed:
        return
    assert not verify(KEY.public, transaction.message, transaction.signature)


def test_every_prefix_and_every_tail_is_malformed():
    raw = sign(BODY, KEY)
    assert {refusal(raw[:length]) for length in range(len(raw))} == {"malformed"}
    assert refusal(raw + b"\x00") == "malformed"


def test_a_longer_encoding_of_the_same_value_is_not_canonical():
    body = codec_of(Body).encode(BODY)
    assert body.count(b"\xa13\x03") == 1
    longer = body.replace(b"\xa13\x03", b"\xa13\xcc\x03")  # the nonce as two bytes
    assert refusal(envelope(longer)) == "not_canonical"


def test_a_stated_default_is_not_canonical():
    body = codec_of(Body).encode(BODY.but(expiry=0))
    assert body[0] == 0x86
    stated = b"\x87" + body[1:].replace(b"\xa16", b"\xa15\x00\xa16", 1)
    assert refusal(envelope(stated)) == "not_canonical"


def test_an_unsigned_transaction_is_named_so():
    assert refusal(envelope(codec_of(Body).encode(BODY), b"")) == "unsigned"


def test_size_is_checked_before_anything_is_decoded():
    raw = sign(BODY, KEY)
    assert decode_transaction(raw, len(raw)).raw == raw
    assert refusal(raw, len(raw) - 1) == "too_large"
    assert refusal(b"\xff" * 100, 99) == "too_large"


def test_nesting_that_would_exhaust_the_stack_is_malformed():
    for bomb in (b"\x91" * 40_000, b"\x81\xa11" * 10_000):
        assert refusal(bomb) == "malformed"
        assert refusal(envelope(bomb)) == "malformed"


@pytest.mark.parametrize(
    ("body", "signature"),
    [
        (BODY, bytes(63)),
        (BODY, bytes(65)),
        (BODY.but(key=bytes(31)), bytes(64)),
        (BODY.but(call=CALL.but(interface=b"1234567")), bytes(64)),
        (BODY.but(chain="c" * 65), bytes(64)),
        (BODY.but(call=CALL.but(name="n" * 65)), bytes(64)),
    ],
)
def test_wrong_lengths_are_malformed(body, signature):
    assert refusal(envelope(codec_of(Body).encode(body), signature)) == "malformed"


def test_what_no_record_can_hold_is_not_signed():
    with pytest.raises(InvalidRecord):
        sign(BODY.but(fee=2**256), KEY)
    with pytest.raises(InvalidRecord):
        sign(BODY.but(sender=bytes(19)), KEY)


def test_bytes_and_ids_stay_what_they_are():
    raw = sign(BODY, KEY)
    assert transaction_id(raw).hex() == "a7a99597aecab385a1693687044ec525f6e0b1eee69a0845f13ec6b4505b6e07"
