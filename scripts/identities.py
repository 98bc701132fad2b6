"""Who a name means, and which key signs for whom: the keys of a home, and those that follow from a rehearsal's seed.

A name is, in this order, a key file of the home, a validator of the home's genesis (`validator-0`), or account number
so-and-so of a generated one (`account-7`; the first of these are its validators). The last two have keys only where the
genesis states its seed, and anybody who knows the seed has them too.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from node.genesis.generated import generated_address
from node.genesis.substitute import account_key
from runtime.address import PREFIX, address_of, address_text, parse_address
from runtime.errors import KeyNameInvalid, KeyNotFound
from runtime.keys import PrivateKey
from runtime.keystore import KeyInfo, KeyStore
from storage.home import Home

from .exits import Exit
from .options import password_from

_NUMBERED = re.compile(r"account-(0|[1-9][0-9]{0,8})", re.ASCII)


class SignerUnknown(Exception):
    """Nobody of that name or address can sign here."""

    code = "signer_unknown"
    exit = Exit.USAGE

    def __init__(self, who: str, why: str) -> None:
        super().__init__(f"{who}: {why}")
        self.who = who


@dataclass(frozen=True, slots=True)
class Signer:
    """An address and the key that speaks for it."""

    address: bytes
    key: PrivateKey
    name: str

    @property
    def text(self) -> str:
        """The address as people see it."""
        return address_text(self.address)


class Identities:
    """The names and keys of one home. ``password_file`` opens sealed keys; ``plain`` allows open ones."""

    def __init__(self, home: Path, password_file: Path | None = None, plain: bool = False) -> None:
        self.home = Home(home)
        self._password_file = password_file
        self._store = KeyStore(self.home.keys, os.urandom, allow_plain=plain or bool(self.seed))

    @cached_property
    def genesis(self) -> dict[str, Any]:
        """The home's genesis document, read and not checked again; empty where the home has none."""
        try:
            document = json.loads(self.home.genesis_file.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return {}
        return document if isinstance(document, dict) else {}

    @property
    def seed(self) -> str:
        """What a rehearsal's keys follow from; empty where keys are real ones."""
        return str(self.genesis.get("seed", ""))

    def address(self, who: str) -> bytes:
        """The address of a name, or of its own text; raises AddressInvalid or SignerUnknown."""
        if who.startswith(f"{PREFIX}1"):
            return parse_address(who)
        info = self._key_file(who)
        if info is not None:
            return self._owner(info)
        found = self._of_genesis(who)
        if found is None:
            raise SignerUnknown(who, "no address (syn1...), no key of the home, no validator of its genesis")
        return found

    def text(self, who: str) -> str:
        """As `address`, as text."""
        return address_text(self.address(who))

    def signer(self, who: str | None, key_name: str | None = None) -> Signer:
        """Who signs: by name or address; ``key_name`` is the key file where it is not the address's own.

        Without a name, the only key of the home. Raises SignerUnknown, and what a key file cannot be opened for.
        """
        if who is None:
            who = self._only()
        address = self.address(who)
        if key_name is not None:
            return Signer(address, self._open(self._store.info(key_name)), key_name)
        file = self._key_file(who) or next((one for one in self.files() if self._owner(one) == address), None)
        if file is not None:
            return Signer(address, self._open(file), file.name)
        if not self.seed:
            raise SignerUnknown(who, f"no key in {self.home.keys} signs for it; `synod keys list` shows those there")
        return Signer(address, account_key(self.seed, address), who)

    def holding(self, signer: Signer, public: str) -> Signer:
        """The same address with the key file of that public key, in hex; as it was where the home has none."""
        file = next((one for one in self.files() if one.public.hex() == public), None)
        return signer if file is None else Signer(signer.address, self._open(file), file.name)

    def everybody(self) -> Iterator[Signer]:
        """Each that may have a vote and can sign here: the key files, then the bonded validators of a rehearsal."""
        met = set()
        for file in self.files():
            met.add(self._owner(file))
            yield Signer(self._owner(file), self._open(file), file.name)
        for one in self.genesis.get("validators", ()) if self.seed else ():
            address = parse_address(one["operator"])
            if one["bonded"] and address not in met:
                yield Signer(address, account_key(self.seed, address), one["name"] or one["operator"])

    def files(self) -> tuple[KeyInfo, ...]:
        """The key files of the home."""
        return self._store.list() if self.home.keys.is_dir() else ()

    def _only(self) -> str:
        files = self.files()
        if len(files) != 1:
            raise SignerUnknown("who signs is not said", f"give --from NAME or --from ADDRESS; {self._names()}")
        return files[0].name

    def _names(self) -> str:
        if not self.seed:
            return "see `synod keys list`"
        names = [one["name"] for one in self.genesis.get("validators", ()) if one["name"]]
        known = sorted(names, key=lambda name: (len(name), name))[:4]
        if self._numbered:
            known.append(f"account-0 to account-{len(self.genesis['accounts']) - 1}")
        return f"this rehearsal knows {', '.join(known)}"

    def _key_file(self, name: str) -> KeyInfo | None:
        try:
            return self._store.info(name)
        except (KeyNotFound, KeyNameInvalid):
            return None

    def _owner(self, info: KeyInfo) -> bytes:
        """Whose key it is: the account of the genesis that it was written for, else the address it opens."""
        return self._genesis_owners.get(info.public.hex(), address_of(info.public))

    @cached_property
    def _genesis_owners(self) -> dict[str, bytes]:
        return {one["key"]: parse_address(one["address"]) for one in self.genesis.get("accounts", ()) if one["key"]}

    def _of_genesis(self, name: str) -> bytes | None:
        for one in self.genesis.get("validators", ()):
            if one["name"] == name:
                return parse_address(one["operator"])
        numbered = _NUMBERED.fullmatch(name)
        if numbered is None or not self._numbered:
            return None
        number = int(numbered.group(1))
        return generated_address(self.seed, number) if number < len(self.genesis["accounts"]) else None

    @property
    def _numbered(self) -> bool:
        """Whether the genesis is a generated one, whose accounts have numbers."""
        return bool(self.genesis.get("source", {}).get("layout") == "generated")

    def _open(self, info: KeyInfo) -> PrivateKey:
        password = password_from(self._password_file, f"Password of {info.name}") if info.encrypted else None
        return self._store.open(info.name, password)
