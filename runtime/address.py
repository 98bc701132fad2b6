"""Addresses: 20 bytes that name an owner and outlive the owner's key.

An address is first derived from a public key; afterwards the host keeps which key speaks for it, so a key can rotate
and the address stays. Modules have addresses too, derived from their names, which no key derives to. People see an
address as Bech32 text that begins with ``syn1``; state and transactions hold the 20 bytes.

The text tags below begin with a letter, the one-byte tags of the Merkle tree do not: no preimage is both.
"""

from __future__ import annotations

from hashlib import sha256

from runtime import bech32
from runtime.errors import AddressInvalid

PREFIX = "syn"
ADDRESS_BYTES = 20
_OF_KEY = b"synod/address of key/"
_OF_MODULE = b"synod/address of module/"


def address_of(public: bytes) -> bytes:
    """The address that ``public`` (32 bytes) opens an account with."""
    return sha256(_OF_KEY + public).digest()[:ADDRESS_BYTES]


def module_address(name: str) -> bytes:
    """The address under which module ``name`` holds coins; nobody has a key for it."""
    return sha256(_OF_MODULE + name.encode()).digest()[:ADDRESS_BYTES]


def address_text(address: bytes) -> str:
    """How people see ``address``: ``syn1`` and 38 characters."""
    if len(address) != ADDRESS_BYTES:
        raise AddressInvalid(address.hex(), f"it has {len(address)} bytes, not {ADDRESS_BYTES}")
    return bech32.encode(PREFIX, address)


def parse_address(text: str) -> bytes:
    """The 20 bytes of an address text; raises AddressInvalid with the reason."""
    try:
        prefix, raw = bech32.decode(text)
    except ValueError as reason:
        raise AddressInvalid(text, str(reason)) from None
    if prefix != PREFIX:
        raise AddressInvalid(text, f"it belongs to another chain, whose addresses begin with {prefix}1")
    if len(raw) != ADDRESS_BYTES:
        raise AddressInvalid(text, f"it has {len(raw)} bytes, not {ADDRESS_BYTES}")
    return raw
