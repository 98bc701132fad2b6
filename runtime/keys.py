"""Ed25519 keys: who may speak for an address.

Keys come from 32 bytes of entropy that the caller brings, or from a seed and a label, so that a rehearsal makes the
same keys in every run. Nothing here reads a clock, a file or a random source. Verification is the one of RFC 8032
that OpenSSL does; a verdict is never cached here (see node.verification).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from runtime.errors import KeyInvalid

SEED_BYTES = 32
PUBLIC_BYTES = 32
SIGNATURE_BYTES = 64
_DERIVED = b"synod/key of seed/"


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A signing key. Its secret half never shows in ``repr``, logs or comparisons."""

    public: bytes
    """The 32 bytes that others verify with."""
    _secret: Ed25519PrivateKey = field(repr=False, compare=False)

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        """The key of 32 secret bytes; raises KeyInvalid for another length."""
        if len(seed) != SEED_BYTES:
            raise KeyInvalid(f"the secret has {len(seed)} bytes")
        secret = Ed25519PrivateKey.from_private_bytes(seed)
        return cls(secret.public_key().public_bytes_raw(), secret)

    @classmethod
    def generate(cls, entropy: bytes) -> Self:
        """A new key from ``entropy``, at least 32 unpredictable bytes from the edge (``os.urandom(32)``)."""
        if len(entropy) < SEED_BYTES:
            raise KeyInvalid(f"{len(entropy)} bytes of entropy are too few")
        return cls.from_seed(sha256(entropy).digest())

    def seed(self) -> bytes:
        """The 32 secret bytes, for the key store only."""
        return self._secret.private_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature of ``message``; the same for the same message."""
        return self._secret.sign(message)


def derive(seed: bytes, label: str) -> PrivateKey:
    """The key that ``label`` names under ``seed``: deterministic, and labels tell nothing about each other."""
    return PrivateKey.from_seed(sha256(_DERIVED + sha256(seed).digest() + label.encode()).digest())


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether ``signature`` is that of ``message`` by ``public``. Malformed keys and signatures are just False."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
