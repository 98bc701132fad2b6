"""Key files: sealed, private, never overwritten."""

import json
import os
import stat
from contextlib import suppress
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.errors import (
    KeyExists,
    KeyFileDamaged,
    KeyFileExposed,
    KeyFileTooNew,
    KeyNameInvalid,
    KeyNotFound,
    KeystoreError,
    PasswordWrong,
    PlainKeyRefused,
)
from runtime.keyfile import Scrypt
from runtime.keys import derive
from runtime.keystore import KeyStore

CHEAP = Scrypt(n=1 << 4, r=8, p=1)


def store(folder, allow_plain=False):
    return KeyStore(folder, os.urandom, allow_plain=allow_plain, cost=CHEAP)


def change(path, **fields):
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_a_new_key_opens_with_its_password_only(tmp_path):
    keys = store(tmp_path / "keys")
    info = keys.create("alice", "correct horse")
    key = keys.open("alice", "correct horse")
    assert key.public == info.public
    assert info.address.startswith("syn1")
    for wrong in ("", "Correct horse", None):
        with pytest.raises(PasswordWrong):
            keys.open("alice", wrong)


def test_a_given_key_is_kept_as_it_is(tmp_path):
    given_key = derive(b"seed", "validator-1")
    keys = store(tmp_path)
    keys.create("validator-1", "secret", given_key)
    assert keys.open("validator-1", "secret") == given_key


def test_files_and_folder_are_the_owners_alone(tmp_path):
    keys = store(tmp_path / "keys")
    path = keys.create("alice", "secret").path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_secret_does_not_stand_in_the_file(tmp_path):
    keys = store(tmp_path)
    info = keys.create("alice", "secret")
    assert keys.open("alice", "secret").seed().hex() not in info.path.read_text()


def test_the_same_key_and_password_seal_differently_each_time(tmp_path):
    keys, key = store(tmp_path), derive(b"seed", "a")
    one, other = (json.loads(keys.create(name, "secret", key).path.read_text()) for name in ("one", "other"))
    assert one["scrypt"]["salt"] != other["scrypt"]["salt"]
    assert one["secret"] != other["secret"]


def test_an_existing_key_is_never_overwritten(tmp_path):
    keys = store(tmp_path)
    before = keys.create("alice", "secret").path.read_bytes()
    with pytest.raises(KeyExists):
        keys.create("alice", "other")
    assert (tmp_path / "alice.key.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["alice.key.json"]


def test_a_password_changes_in_one_step(tmp_path):
    keys = store(tmp_path)
    public = keys.create("alice", "old").public
    keys.change_password("alice", "old", "new")
    assert keys.open("alice", "new").public == public
    with pytest.raises(PasswordWrong):
        keys.open("alice", "old")
    with pytest.raises(PasswordWrong):
        keys.change_password("alice", "old", "other")


def test_keys_are_listed_by_name_without_passwords(tmp_path):
    keys = store(tmp_path)
    made = [keys.create(name, "secret") for name in ("carol", "alice", "bob")]
    assert [info.name for info in keys.list()] == ["alice", "bob", "carol"]
    assert {info.public for info in keys.list()} == {info.public for info in made}
    assert store(tmp_path / "absent").list() == ()


def test_plain_keys_need_the_flag_to_be_made_and_to_be_opened(tmp_path):
    with pytest.raises(PlainKeyRefused):
        store(tmp_path).create("alice", None)
    info = store(tmp_path, allow_plain=True).create("alice", None)
    assert not info.encrypted
    assert store(tmp_path, allow_plain=True).open("alice").public == info.public
    with pytest.raises(PlainKeyRefused):
        store(tmp_path).open("alice")


def test_a_file_that_others_may_read_is_refused_until_mended(tmp_path):
    keys = store(tmp_path)
    path = keys.create("alice", "secret").path
    path.chmod(0o640)
    with pytest.raises(KeyFileExposed, match="chmod 600"):
        keys.open("alice", "secret")
    path.chmod(0o600)
    keys.open("alice", "secret")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../alice", "a/b", "a\\b", ".hidden", "a" * 200, "a\x00b", "-x", "a b", "\u00e4"]
)
def test_a_name_cannot_leave_the_folder(tmp_path, name):
    with pytest.raises(KeyNameInvalid):
        store(tmp_path).create(name, "secret")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_key_is_named(tmp_path):
    with pytest.raises(KeyNotFound, match="no key alice") as refused:
        store(tmp_path).open("alice", "secret")
    assert refused.value.name == "alice"


def test_a_file_of_a_newer_format_is_refused_as_such(tmp_path):
    keys = store(tmp_path)
    change(keys.create("alice", "secret").path, synod_key=2)
    with pytest.raises(KeyFileTooNew, match="newer release"):
        keys.open("alice", "secret")


def test_a_file_under_another_name_is_refused(tmp_path):
    keys = store(tmp_path)
    keys.create("alice", "secret").path.rename(tmp_path / "bob.key.json")
    with pytest.raises(KeyFileDamaged, match="holds the key alice"):
        keys.open("bob", "secret")


def test_nothing_in_a_sealed_file_can_be_swapped(tmp_path):
    keys = store(tmp_path)
    path = keys.create("alice", "secret").path
    whole = path.read_text()
    other = json.loads(keys.create("bob", "secret").path.read_text())
    for field in ("public", "scrypt", "nonce", "secret"):
        change(path, **{field: other[field]})
        with pytest.raises((PasswordWrong, KeyFileDamaged)):
            keys.open("alice", "secret")
        path.write_text(whole)
    keys.open("alice", "secret")


@pytest.mark.parametrize(
    "costs",
    [{"n": 1 << 40}, {"n": 3}, {"n": 0}, {"n": -2}, {"r": 10**9}, {"p": 10**9}, {"n": "16"}, {"n": 16.0}, {"n": True}],
)
def test_a_file_cannot_ask_for_the_machines_memory(tmp_path, costs):
    keys = store(tmp_path)
    path = keys.create("alice", "secret").path
    change(path, scrypt=json.loads(path.read_text())["scrypt"] | costs)
    with pytest.raises(KeyFileDamaged):
        keys.open("alice", "secret")


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_file_is_a_typed_error_or_still_the_key(tmp_path, data):
    path = tmp_path / "alice.key.json"
    path.unlink(missing_ok=True)
    keys = store(tmp_path)
    public = keys.create("alice", "secret").public
    raw = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(raw) - 1))
    if data.draw(st.booleans()):
        raw[place] ^= data.draw(st.integers(1, 255))
    else:
        del raw[place:]
    path.write_bytes(raw)
    with suppress(KeystoreError):
        assert keys.open("alice", "secret").public == public


def test_entropy_comes_from_the_caller_alone(tmp_path):
    def stores():
        for number in count():
            ticks = count(number)
            yield lambda size, ticks=ticks: next(ticks).to_bytes(size, "big")

    one, other = (
        KeyStore(tmp_path / name, entropy, cost=CHEAP).create("alice", "secret")
        for name, entropy in zip(("a", "b"), (next(stores()), next(stores())), strict=True)
    )
    assert one.path.read_bytes() == other.path.read_bytes()
