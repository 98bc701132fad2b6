"""`synod keys`: made, listed, sealed anew; a rehearsal's keys written down."""

import json
from pathlib import Path
from typing import Any

import pytest

from node.genesis.generated import generated_genesis
from runtime.address import address_text, parse_address
from runtime.keystore import KeyStore
from scripts.command import outcome
from scripts.exits import Exit
from scripts.keys import command_line


class Keys:
    """The command, in one home."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self._capsys = capsys

    def __call__(self, *words: str) -> tuple[int, Any]:
        code = outcome(command_line, [*words, "--home", str(self.home), "--json"], "synod keys")
        return code, json.loads(self._capsys.readouterr().out)

    def password(self, text: str) -> str:
        path = self.home.parent / f"password-{text}"
        path.write_text(text + "\n")
        return str(path)


@pytest.fixture
def keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Keys:
    return Keys(tmp_path / "home", capsys)


def no_entropy(count: int) -> bytes:
    return bytes(count)


def test_a_home_without_keys_lists_none(keys: Keys) -> None:
    assert keys("list") == (0, [])


def test_a_key_is_made_listed_and_shown(keys: Keys) -> None:
    code, made = keys("create", "alice", "--plain")
    assert code == 0
    assert len(parse_address(made["address"])) == 20
    assert keys("list") == (0, [made])
    assert keys("show", "alice") == (0, made)
    assert Path(made["file"]).stat().st_mode & 0o777 == 0o600


def test_a_key_is_never_overwritten(keys: Keys) -> None:
    keys("create", "alice", "--plain")
    code, answer = keys("create", "alice", "--plain")
    assert code == Exit.REFUSED
    assert answer["error"]["code"] == "key_exists"


def test_without_password_or_terminal_nothing_is_made(keys: Keys) -> None:
    code, answer = keys("create", "alice")
    assert code == Exit.USAGE
    assert answer["error"]["code"] == "password_needed"
    assert keys("list") == (0, [])


def test_a_password_is_changed_and_the_key_stays(keys: Keys) -> None:
    _, made = keys("create", "alice", "--password-file", keys.password("old"))
    code, again = keys(
        "change-password", "alice", "--password-file", keys.password("old"), "--new-password-file", keys.password("new")
    )
    assert (code, again) == (0, made)
    opened = KeyStore(keys.home / "keys", no_entropy).open("alice", "new")
    assert opened.public.hex() == made["public_key"]


def test_a_wrong_password_is_refused(keys: Keys) -> None:
    keys("create", "alice", "--password-file", keys.password("old"))
    code, answer = keys(
        "change-password", "alice", "--password-file", keys.password("bad"), "--new-password-file", keys.password("new")
    )
    assert code == Exit.REFUSED
    assert answer["error"]["code"] == "password_wrong"


def test_a_rehearsals_keys_follow_from_its_seed(keys: Keys) -> None:
    genesis = generated_genesis(5, 2, "s")
    operator = genesis.validators[0]
    by_address = {account.address: account.key.hex() for account in genesis.accounts}

    _, account = keys("derive", "a", "--seed", "s", "--account", address_text(operator.operator), "--plain")
    _, validator = keys("derive", "v", "--seed", "s", "--validator", address_text(operator.operator), "--plain")
    _, first = keys("derive", "i", "--seed", "s", "--index", "0", "--plain")

    assert account["public_key"] == by_address[operator.operator]
    assert validator["public_key"] == operator.key.hex()
    assert first["public_key"] == by_address[parse_address(first["address"])]


@pytest.mark.parametrize("words", [[], ["--index", "0", "--account", "x"]])
def test_derive_wants_exactly_one_whose(keys: Keys, words: list[str]) -> None:
    code, answer = keys("derive", "a", "--seed", "s", *words, "--plain")
    assert code == Exit.USAGE
    assert answer["error"]["code"] == "usage"
