"""Addresses and their text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime import bech32
from runtime.address import address_of, address_text, module_address, parse_address
from runtime.errors import AddressInvalid

addresses = st.binary(min_size=20, max_size=20)
ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


@given(addresses)
def test_an_address_reads_back_from_its_text_in_either_case(address):
    text = address_text(address)
    assert text.startswith("syn1")
    assert len(text) == 42
    assert parse_address(text) == address
    assert parse_address(text.upper()) == address


@given(addresses, st.integers(4, 41), st.sampled_from(ALPHABET))
def test_one_mistyped_character_is_noticed(address, place, character):
    text = address_text(address)
    if text[place] == character:
        return
    with pytest.raises(AddressInvalid):
        parse_address(text[:place] + character + text[place + 1 :])


@given(addresses, st.integers(4, 40))
def test_two_swapped_characters_are_noticed(address, place):
    text = address_text(address)
    swapped = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    if swapped != text:
        with pytest.raises(AddressInvalid):
            parse_address(swapped)


@settings(max_examples=200)
@given(st.text(max_size=120))
def test_no_text_but_an_address_is_taken(text):
    with pytest.raises(AddressInvalid) as refused:
        parse_address(text)
    assert refused.value.code == "address_invalid"


def test_the_address_of_another_chain_is_refused_by_its_prefix():
    with pytest.raises(AddressInvalid, match="another chain, whose addresses begin with cosmos1"):
        parse_address(bech32.encode("cosmos", bytes(20)))


def test_an_address_of_another_length_is_refused():
    with pytest.raises(AddressInvalid, match="32 bytes"):
        parse_address(bech32.encode("syn", bytes(32)))
    with pytest.raises(AddressInvalid):
        address_text(bytes(19))


def test_mixed_case_is_refused():
    text = address_text(bytes(range(20)))
    with pytest.raises(AddressInvalid, match="mixes"):
        parse_address(text[:10] + text[10:].upper())


def test_a_letter_outside_ascii_that_lowers_to_an_ascii_one_is_refused():
    text = address_text(b"k" * 20).upper().replace("K", "\u212a")
    assert "\u212a" in text
    with pytest.raises(AddressInvalid, match="ASCII"):
        parse_address(text)


# Vectors of BIP 173.
@pytest.mark.parametrize(
    "text",
    [
        "A12UEL5L",
        "a12uel5l",
        "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
        "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
        "?1ezyfcl",
    ],
)
def test_the_valid_texts_of_the_standard_are_taken(text):
    prefix, raw = bech32.decode(text)
    assert bech32.encode(prefix, raw) == text.lower()


@pytest.mark.parametrize(
    "text",
    [
        "\x201nwldj5",
        "\x7f1axkwrx",
        "an84characterslonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1569pvx",
        "pzry9x0s0muk",
        "1pzry9x0s0muk",
        "x1b4n0q5v",
        "li1dgmt3",
        "A1G7SGD8",
        "10a06t8",
        "1qzzfhee",
    ],
)
def test_the_invalid_texts_of_the_standard_are_refused(text):
    with pytest.raises(ValueError, match="it"):
        bech32.decode(text)


def test_keys_and_modules_never_share_an_address():
    assert address_of(b"bank") != module_address("bank")
    assert module_address("bank") != module_address("staking")
    assert len(module_address("bank")) == len(address_of(bytes(32))) == 20


def test_addresses_stay_what_they_are():
    assert address_of(bytes(32)).hex() == "8550765e4ffe035bfdbc175491f59e7c9940ace4"
    assert module_address("treasury").hex() == "4f4bb05c5eb75791df217ace48cd07cb4d4c8307"
