"""The format of one key file, as bytes: format 1.

    {"synod_key": 1, "name": ..., "public": hex, "scrypt": {"n": ..., "r": ..., "p": ..., "salt": hex} | null,
     "nonce": hex, "secret": hex}

With ``scrypt`` the secret is ChaCha20-Poly1305 of the 32 seed bytes; the text of all other fields is authenticated.
Without it the secret is the seed itself. The costs that a file asks for are bounded before they are paid, so that a
forged file cannot take the machine's memory.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt as _Scrypt

from runtime.errors import KeyFileDamaged, KeyFileTooNew, PasswordWrong
from runtime.keys import SEED_BYTES, PrivateKey

FORMAT = 1
SALT_BYTES = 16
NONCE_BYTES = 12
MOST_MEMORY = 1 << 30
"""Bytes that scrypt may take for a file (128 * n * r)."""


@dataclass(frozen=True, slots=True)
class Scrypt:
    """The work that a guess of the password costs: 64 MiB and about a fifth of a second by default."""

    n: int = 1 << 16
    r: int = 8
    p: int = 1
    salt: bytes = b""

    def affordable(self) -> bool:
        """Whether the costs are ones that scrypt takes and this machine should pay."""
        power_of_two = self.n > 1 and self.n & (self.n - 1) == 0
        return power_of_two and 1 <= self.r <= 64 and 1 <= self.p <= 16 and 128 * self.n * self.r <= MOST_MEMORY

    def key(self, password: str) -> bytes:
        """The 32 bytes that ``password`` makes under these costs and this salt."""
        return _Scrypt(salt=self.salt, length=32, n=self.n, r=self.r, p=self.p).derive(password.encode())


@dataclass(frozen=True, slots=True)
class KeyFile:
    """The fields of a key file."""

    name: str
    public: bytes
    scrypt: Scrypt | None
    """None for an unencrypted file."""
    nonce: bytes
    secret: bytes

    def header(self) -> dict[str, Any]:
        """Everything but nonce and secret, as JSON has it: what is authenticated."""
        costs = None
        if self.scrypt is not None:
            costs = {"n": self.scrypt.n, "r": self.scrypt.r, "p": self.scrypt.p, "salt": self.scrypt.salt.hex()}
        return {"synod_key": FORMAT, "name": self.name, "public": self.public.hex(), "scrypt": costs}

    def authenticated(self) -> bytes:
        """The bytes that the seal covers beside the secret."""
        return json.dumps(self.header(), sort_keys=True, separators=(",", ":")).encode()


def seal(name: str, key: PrivateKey, password: str | None, cost: Scrypt, entropy: Callable[[int], bytes]) -> KeyFile:
    """The file of ``key`` under ``password``; None leaves it unencrypted."""
    if password is None:
        return KeyFile(name, key.public, None, b"", key.seed())
    costs = Scrypt(cost.n, cost.r, cost.p, entropy(SALT_BYTES))
    nonce = entropy(NONCE_BYTES)
    open_file = KeyFile(name, key.public, costs, nonce, b"")
    secret = ChaCha20Poly1305(costs.key(password)).encrypt(nonce, key.seed(), open_file.authenticated())
    return KeyFile(name, key.public, costs, nonce, secret)


def unseal(stored: KeyFile, password: str | None) -> PrivateKey:
    """The key inside; raises PasswordWrong, or KeyFileDamaged when its public half is not the one written."""
    seed = stored.secret
    if stored.scrypt is not None:
        if password is None:
            raise PasswordWrong(stored.name, f"key {stored.name} is encrypted: give its password")
        try:
            box = ChaCha20Poly1305(stored.scrypt.key(password))
            seed = box.decrypt(stored.nonce, stored.secret, stored.authenticated())
        except InvalidTag:
            raise PasswordWrong(
                stored.name, f"this password does not open key {stored.name}, or its file was altered"
            ) from None
    key = PrivateKey.from_seed(seed) if len(seed) == SEED_BYTES else None
    if key is None or key.public != stored.public:
        raise KeyFileDamaged(stored.name, f"the file of key {stored.name} holds another key: restore it from a backup")
    return key


def render(stored: KeyFile) -> bytes:
    """The file's bytes."""
    body = stored.header() | {"nonce": stored.nonce.hex(), "secret": stored.secret.hex()}
    return json.dumps(body, indent=2).encode() + b"\n"


def parse(name: str, raw: bytes) -> KeyFile:
    """Read a file's bytes; raises KeyFileDamaged, or KeyFileTooNew for a later format."""
    try:
        body = json.loads(raw)
        if isinstance(body["synod_key"], int) and body["synod_key"] > FORMAT:
            raise KeyFileTooNew(name, f"the file of key {name} has format {body['synod_key']}: use a newer release")
        stored = KeyFile(
            name=body["name"],
            public=bytes.fromhex(body["public"]),
            scrypt=None if body["scrypt"] is None else _costs(body["scrypt"]),
            nonce=bytes.fromhex(body["nonce"]),
            secret=bytes.fromhex(body["secret"]),
        )
    except (ValueError, KeyError, TypeError, RecursionError) as reason:
        raise _damaged(name, f"{type(reason).__name__}: {reason}") from None
    if body["synod_key"] != FORMAT or not isinstance(stored.name, str):
        raise _damaged(name, "its format or name is wrong")
    if stored.scrypt is not None and not (stored.scrypt.affordable() and len(stored.nonce) == NONCE_BYTES):
        raise _damaged(name, "its scrypt costs or nonce are outside what any release writes")
    return stored


def _costs(body: dict[str, Any]) -> Scrypt:
    n, r, p = body["n"], body["r"], body["p"]
    if not all(type(cost) is int for cost in (n, r, p)):
        raise ValueError("a scrypt cost is no integer")
    return Scrypt(n, r, p, bytes.fromhex(body["salt"]))


def _damaged(name: str, reason: str) -> KeyFileDamaged:
    return KeyFileDamaged(name, f"the file of key {name} is damaged ({reason}): restore it from a backup")
