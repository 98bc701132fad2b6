"""Key files: one encrypted Ed25519 key each, readable by their owner only.

A file is JSON. The secret is sealed with ChaCha20-Poly1305 under a key that scrypt makes from the password; name,
public key and the scrypt costs are authenticated with it, so none of them can be swapped. Files are written beside
their place, synced and linked into it, so a crash leaves the old file or the new one, and an existing key is never
overwritten. A file that others may read is refused until its mode is mended. Unencrypted files exist for development
chains only: both making and opening one takes an explicit flag.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from runtime.address import address_of, address_text
from runtime.errors import (
    KeyExists,
    KeyFileDamaged,
    KeyFileExposed,
    KeyNameInvalid,
    KeyNotFound,
    PlainKeyRefused,
)
from runtime.keyfile import KeyFile, Scrypt, parse, render, seal, unseal
from runtime.keys import PrivateKey
from storage.durable import settle, sync_directory

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}(\.[A-Za-z0-9_-]{1,32})*", re.ASCII)
_SUFFIX = ".key.json"

Entropy = Callable[[int], bytes]
"""Gives so many unpredictable bytes; ``os.urandom`` at the edge."""


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What a key file shows without its password."""

    name: str
    public: bytes
    encrypted: bool
    path: Path

    @property
    def address(self) -> str:
        """The text of the address that this key opens."""
        return address_text(address_of(self.public))


class KeyStore:
    """The key files of one folder. ``allow_plain`` permits unencrypted development keys."""

    def __init__(
        self, folder: Path, entropy: Entropy, *, allow_plain: bool = False, cost: Scrypt | None = None
    ) -> None:
        self._folder = folder
        self._entropy = entropy
        self._allow_plain = allow_plain
        self._cost = cost or Scrypt()

    def create(self, name: str, password: str | None, key: PrivateKey | None = None) -> KeyInfo:
        """Store ``key``, or a new one, sealed by ``password``; None stores it plain where that is allowed.

        Raises KeyExists, KeyNameInvalid, PlainKeyRefused.
        """
        key = key or PrivateKey.generate(self._entropy(32))
        path = self._path(name)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._write(path, self._seal(name, key, password), replace=False, name=name)
        return KeyInfo(name, key.public, password is not None, path)

    def open(self, name: str, password: str | None = None) -> PrivateKey:
        """The key of ``name``; raises KeyNotFound, PasswordWrong, KeyFileDamaged, KeyFileExposed, PlainKeyRefused."""
        stored = self._read(name)
        if stored.scrypt is None and not self._allow_plain:
            raise PlainKeyRefused(name, f"key {name} is not encrypted: allow plain keys on a development chain only")
        return unseal(stored, password)

    def change_password(self, name: str, old: str | None, new: str | None) -> None:
        """Seal the key anew under ``new``, in one step; the old file stays whole until then."""
        key = self.open(name, old)
        self._write(self._path(name), self._seal(name, key, new), replace=True, name=name)

    def info(self, name: str) -> KeyInfo:
        """What the file of ``name`` shows without its password."""
        stored = self._read(name)
        return KeyInfo(name, stored.public, stored.scrypt is not None, self._path(name))

    def list(self) -> tuple[KeyInfo, ...]:
        """Every key, by name; one damaged file raises its error rather than go missing from the list."""
        names = sorted(path.name.removesuffix(_SUFFIX) for path in self._folder.glob("*" + _SUFFIX))
        return tuple(self.info(name) for name in names)

    def _seal(self, name: str, key: PrivateKey, password: str | None) -> KeyFile:
        if password is None and not self._allow_plain:
            raise PlainKeyRefused(name, f"give a password for key {name}: unencrypted keys are for development chains")
        return seal(name, key, password, self._cost, self._entropy)

    def _path(self, name: str) -> Path:
        if _NAME.fullmatch(name) is None:
            raise KeyNameInvalid(name, f"{name[:80]!r} cannot name a key: use letters, digits, `_`, `-` and inner dots")
        return self._folder / (name + _SUFFIX)

    def _read(self, name: str) -> KeyFile:
        path = self._path(name)
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                raw = file.read(65_536)
        except FileNotFoundError:
            raise KeyNotFound(name, f"no key {name} in {self._folder}: `synod keys list` shows what is there") from None
        if mode & 0o077:
            raise KeyFileExposed(name, f"others may read {path}: run `chmod 600` on it, and rotate the key if they did")
        stored = parse(name, raw)
        if stored.name != name:
            raise KeyFileDamaged(name, f"{path} holds the key {stored.name}: give the file its own name back")
        return stored

    def _write(self, path: Path, stored: KeyFile, *, replace: bool, name: str) -> None:
        beside = path.with_name(f".{path.name}.{self._entropy(8).hex()}")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(render(stored))
                settle(file)
            if replace:
                beside.replace(path)
            else:
                path.hardlink_to(beside)
        except FileExistsError:
            raise KeyExists(name, f"there is a key {name} already and it stays: choose another name") from None
        finally:
            with suppress(FileNotFoundError):
                beside.unlink()
        sync_directory(path.parent)
