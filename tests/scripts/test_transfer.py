"""`synod transfer` against a running node: who signs, what became of it, and what is never signed."""

import subprocess
import sys
from pathlib import Path

import pytest

from node.genesis.generated import generated_address
from node.genesis.substitute import account_key
from runtime.address import address_text
from runtime.keystore import KeyStore
from scripts.command import outcome
from scripts.transfer import command_line
from tests.node.processes import new_world, started
from tests.scripts.conftest import Said

ROOT = Path(__file__).resolve().parents[2]


def balance(said: Said, home: Path, who: str) -> int:
    code, answer = said("query", "bank.balance", f"owner={who}", "--home", str(home))
    assert code == 0
    return int(answer["result"])


def test_coins_move_from_one_purse_to_another_and_the_receipt_says_so(said: Said, live: Path) -> None:
    before = [balance(said, live, who) for who in ("account-10", "account-11")]
    code, sent = said("transfer", "account-11", "25", "--from", "account-10", "--home", str(live))
    assert (code, sent["state"], sent["receipts"][0]["code"], sent["receipts"][0]["fee"]) == (0, "executed", "ok", "1")
    assert [balance(said, live, who) for who in ("account-10", "account-11")] == [before[0] - 26, before[1] + 25]


def test_one_after_the_other_counts_the_nonce_on_also_when_nobody_waits(said: Said, live: Path) -> None:
    for _ in range(3):
        code, sent = said("transfer", "account-13", "1", "--from", "account-12", "--no-wait", "--home", str(live))
        assert (code, sent["state"]) == (0, "waiting")
    code, last = said("transfer", "account-13", "1", "--from", "account-12", "--fee", "7", "--home", str(live))
    assert (code, last["body"]["nonce"], last["body"]["fee"]) == (0, "3", "7")


def test_what_the_chain_refuses_is_exit_1_with_the_code_and_the_line(
    said: Said, live: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("transfer", "account-11", str(10**30), "--from", "account-14", "--home", str(live))
    code, sent = said(*words)
    assert (code, sent["state"], sent["reason"]) == (1, "failed", "insufficient_funds")
    assert outcome(command_line, words[1:], "synod transfer") == 1
    assert "insufficient_funds at bank.py:" in capsys.readouterr().out


def test_a_key_file_signs_by_name_and_by_address_and_needs_its_password(
    said: Said, live: Path, tmp_path: Path
) -> None:
    (tmp_path / "word").write_text("secret\n")
    store = KeyStore(live / "keys", lambda count: bytes(count))
    store.create("sealed", "secret", account_key("scenario", generated_address("scenario", 15)))
    at = ("--home", str(live), "--password-file", str(tmp_path / "word"))
    try:
        address = address_text(generated_address("scenario", 15))
        for who in ("sealed", address):
            code, sent = said("transfer", "account-11", "1", "--from", who, *at)
            assert (code, sent["body"]["sender"]) == (0, address)
        (tmp_path / "word").write_text("wrong\n")
        code, refused = said("transfer", "account-11", "1", "--from", "sealed", *at)
        assert (code, refused["error"]["code"]) == (1, "password_wrong")
        code, refused = said("transfer", "account-11", "1", "--from", "account-16", "--key", "sealed",
                             "--home", str(live))  # fmt: skip
        assert (code, refused["error"]["code"]) == (2, "password_needed")
    finally:
        (live / "keys" / "sealed.key.json").unlink()


def test_a_key_that_does_not_speak_for_the_sender_signs_nothing(said: Said, live: Path) -> None:
    store = KeyStore(live / "keys", lambda count: bytes(count), allow_plain=True)
    store.create("other", None)
    try:
        words = ("transfer", "account-11", "1", "--from", "account-17", "--key", "other", "--home", str(live))
        code, refused = said(*words)
        assert (code, refused["error"]["code"]) == (2, "key_not_of_account")
    finally:
        (live / "keys" / "other.key.json").unlink()


@pytest.mark.parametrize(
    ("words", "code", "name"),
    [
        (("account-11", "1"), 2, "signer_unknown"),
        (("nobody", "1", "--from", "account-10"), 2, "signer_unknown"),
        (("account-11", "1", "--from", "account-4000"), 2, "signer_unknown"),
        (("syn1qqq", "1", "--from", "account-10"), 2, "address_invalid"),
        (("account-11", "much", "--from", "account-10"), 2, "usage"),
        (("account-11", "1", "--from", "account-10", "--fee", "0"), 1, "fee_too_low"),
        (("account-11", "1", "--from", "account-10", "--chain", "another"), 2, "wrong_chain"),
        (("account-11", "1", "--from", "account-10", "--url", "http://127.0.0.1:1"), 3, "node_unreachable"),
    ],
)
def test_what_goes_wrong_before_signing_has_its_code_and_exit(
    said: Said, live: Path, words: tuple[str, ...], code: int, name: str
) -> None:
    found, refused = said("transfer", *words, "--home", str(live))
    assert (found, refused["error"]["code"]) == (code, name)


def test_who_can_sign_is_said_where_nobody_was_named(said: Said, live: Path) -> None:
    message = said("transfer", "account-11", "1", "--home", str(live))[1]["error"]["message"]
    assert "validator-0, validator-1, " in message and "account-0 to account-" in message


def test_nothing_is_signed_for_a_chain_that_is_not_the_home_s(said: Said, live: Path, tmp_path: Path) -> None:
    said("import", str(live / "genesis.json"), "--home", str(tmp_path / "same"))
    said("init", "--home", str(tmp_path / "other"), "--accounts", "8")
    url = (live / "running.json").read_text().split('"url": "')[1].split('"')[0]
    words = ("transfer", "account-1", "1", "--from", "account-0", "--url", url, "--home")
    assert said(*words, str(tmp_path / "same"))[0] == 0
    code, refused = said(*words, str(tmp_path / "other"))
    assert (code, refused["error"]["code"]) == (2, "wrong_chain")


def test_when_the_time_is_up_it_may_still_come_and_the_next_one_counts_on_behind_it(said: Said, tmp_path: Path) -> None:
    home = tmp_path / "home"
    new_world(home).close()
    with started(home, interval_ms=600_000) as node:
        node.serving()
        words = ("transfer", "account-1", "1", "--from", "account-0", "--timeout", "0.2", "--home", str(home))
        code, late = said(*words)
        assert (code, late["error"]["code"]) == (3, "still_waiting")
        assert said(*words[:-4], "--no-wait", "--home", str(home))[1]["state"] == "waiting"
        assert said("status", "--home", str(home))[1]["mempool_transactions"] == 2


def test_it_runs_alone_as_a_module(live: Path) -> None:
    command = [sys.executable, "-m", "scripts.transfer", "account-11", "3", "--from", "account-18", "--home", str(live)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")
    assert "executed at height" in done.stdout
