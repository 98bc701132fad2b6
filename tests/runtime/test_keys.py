"""Ed25519 keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.errors import KeyInvalid
from runtime.keys import PrivateKey, derive, verify

# RFC 8032, section 7.1, tests 1 and 3: secret, public, message, signature.
VECTORS = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655"
        "141438e7a100b",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc02"
        "7beceea1ec40a",
    ),
]
ORDER = 2**252 + 27742317777372353535851937790883648493


@pytest.mark.parametrize(("secret", "public", "message", "signature"), VECTORS)
def test_keys_sign_as_the_standard_says(secret, public, message, signature):
    key = PrivateKey.from_seed(bytes.fromhex(secret))
    assert key.public.hex() == public
    assert key.sign(bytes.fromhex(message)).hex() == signature
    assert verify(key.public, bytes.fromhex(message), bytes.fromhex(signature))


@given(st.binary(max_size=200), st.integers(0, 511))
def test_one_flipped_bit_of_a_signature_is_noticed(message, bit):
    key = derive(b"seed", "signer")
    signature = bytearray(key.sign(message))
    signature[bit // 8] ^= 1 << bit % 8
    assert not verify(key.public, message, bytes(signature))


def test_a_signature_has_no_second_form():
    key = derive(b"seed", "signer")
    signature = key.sign(b"message")
    other = signature[:32] + (int.from_bytes(signature[32:], "little") + ORDER).to_bytes(32, "little")
    assert not verify(key.public, b"message", other)


@given(st.binary(max_size=64), st.binary(max_size=64), st.binary(max_size=96))
def test_garbage_is_no_signature_and_no_error(public, message, signature):
    assert verify(public, message, signature) is False


def test_derived_keys_are_the_same_in_every_run_and_differ_by_seed_and_label():
    key = derive(b"seed", "validator-1")
    assert key.public.hex() == "aee566430b8afc87b39bd7392ccc88613c517a368e2c320985e12d8aea5ade29"
    keys = {derive(seed, label).public for seed in (b"a", b"ab") for label in ("", "b", "bc", "c")}
    assert len(keys) == 8


def test_a_key_needs_32_bytes():
    with pytest.raises(KeyInvalid, match="31 bytes"):
        PrivateKey.from_seed(bytes(31))
    with pytest.raises(KeyInvalid, match="too few"):
        PrivateKey.generate(bytes(31))
    assert PrivateKey.generate(bytes(32)) == PrivateKey.generate(bytes(32))


def test_a_key_does_not_show_its_secret():
    key = derive(b"seed", "signer")
    assert key.seed().hex() not in repr(key)
    assert PrivateKey.from_seed(key.seed()) == key
