"""Signed transactions: what travels, what is signed, and what is refused before anything is looked up.

A transaction is a record of two fields: the canonical bytes of its body and a signature over a tag and those bytes.
The body names the chain, the sender, a nonce, a fee, a last height and the call with its interface, so a signature is
good once, on one chain, for one meaning. Its id is the SHA-256 of the raw bytes; one body has one valid encoding, and
bytes that do not come out again when decoded and encoded are refused. Decoding checks form only: whether the key is
the sender's, the nonce the next and the fee payable is for the one who has the state.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TypeVar

import msgspec

from runtime.errors import TransactionMalformed
from runtime.interface import INTERFACE_BYTES
from runtime.keys import PUBLIC_BYTES, SIGNATURE_BYTES, PrivateKey
from storage.codec import Codec, codec_of
from storage.errors import InvalidRecord, NotCanonical
from storage.record import Address, Amount, Data, Record, Text, field

R = TypeVar("R", bound=Record)

_SIGNED = b"synod/transaction/"
LONGEST_NAME = 64
"""Characters of a chain id, module or call name."""


class Call(Record):
    """A call by module and name, the interface its signer agreed to, and its arguments as a canonical record."""

    module: Text = field(1)
    name: Text = field(2)
    interface: Data = field(3)
    args: Data = field(4, default=b"")


class Body(Record):
    """What is signed."""

    chain: Text = field(1)
    """The chain id; a copy or a rehearsal of a chain has another."""
    sender: Address = field(2)
    nonce: Amount = field(3, default=0)
    """How many transactions of this sender were executed before."""
    fee: Amount = field(4, default=0)
    """Offered in coin units; host calls pay none."""
    expiry: Amount = field(5, default=0)
    """The last height at which it may execute; 0 for any."""
    call: Call = field(6)
    key: Data = field(7, default=b"")
    """The public key, in the first transaction of an address; may be left out later."""


class Transaction(Record):
    """What travels and is stored."""

    body: Data = field(1)
    signature: Data = field(2, default=b"")


class SignedTransaction(msgspec.Struct, frozen=True, gc=False):
    """A decoded transaction beside the bytes it came from, so that nothing decodes or encodes it again."""

    raw: bytes
    id: bytes
    """SHA-256 of ``raw``, 32 bytes."""
    body: Body
    body_bytes: bytes
    signature: bytes

    @property
    def message(self) -> bytes:
        """The bytes under the signature."""
        return signing_bytes(self.body_bytes)


_ENVELOPE = codec_of(Transaction)
_BODY = codec_of(Body)


def signing_bytes(body_bytes: bytes) -> bytes:
    """What a key signs for a body: its bytes behind a tag that nothing else signed begins with."""
    return _SIGNED + body_bytes


def sign(body: Body, key: PrivateKey) -> bytes:
    """The raw transaction of ``body`` signed by ``key``; raises InvalidRecord when a field is out of bounds."""
    _BODY.check(body)
    body_bytes = _BODY.encode(body)
    return _ENVELOPE.encode(Transaction(body=body_bytes, signature=key.sign(signing_bytes(body_bytes))))


def transaction_id(raw: bytes) -> bytes:
    """The id of raw transaction bytes."""
    return sha256(raw).digest()


def decode_transaction(raw: bytes, max_bytes: int) -> SignedTransaction:
    """Decode untrusted bytes; raises TransactionMalformed (too_large, not_canonical, malformed, unsigned)."""
    if len(raw) > max_bytes:
        raise TransactionMalformed("too_large", f"the transaction has {len(raw)} bytes, {max_bytes} are allowed")
    envelope = _read(_ENVELOPE, raw)
    body = _read(_BODY, envelope.body)
    if not envelope.signature:
        raise TransactionMalformed("unsigned", "the transaction has no signature: sign its body first")
    _check_form(body, envelope.signature)
    return SignedTransaction(raw, transaction_id(raw), body, envelope.body, envelope.signature)


def _read(codec: Codec[R], raw: bytes) -> R:
    try:
        record = codec.decode(raw)
        canonical = codec.gives(record, raw)
    except (NotCanonical, InvalidRecord) as reason:
        raise TransactionMalformed("malformed", f"these bytes are no {codec.name}: {reason.reason}") from None
    if not canonical:
        raise TransactionMalformed("not_canonical", f"this {codec.name} is encoded another way than the node does it")
    return record


def _check_form(body: Body, signature: bytes) -> None:
    wrong = ""
    if len(signature) != SIGNATURE_BYTES:
        wrong = f"the signature has {len(signature)} bytes, not {SIGNATURE_BYTES}"
    elif len(body.call.interface) != INTERFACE_BYTES:
        wrong = f"the interface has {len(body.call.interface)} bytes, not {INTERFACE_BYTES}"
    elif body.key and len(body.key) != PUBLIC_BYTES:
        wrong = f"the key has {len(body.key)} bytes, not {PUBLIC_BYTES}"
    elif max(len(body.chain), len(body.call.module), len(body.call.name)) > LONGEST_NAME:
        wrong = f"a name is longer than {LONGEST_NAME} characters"
    if wrong:
        raise TransactionMalformed("malformed", wrong)
