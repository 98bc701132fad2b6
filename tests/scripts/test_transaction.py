"""`synod transaction` against a running node."""

from pathlib import Path

from tests.scripts.conftest import Said


def test_what_became_of_a_transaction_is_shown_by_its_id(said: Said, live: Path) -> None:
    code, sent = said("transfer", "account-21", "5", "--from", "account-20", "--home", str(live))
    assert code == 0
    code, shown = said("transaction", sent["id"], "--home", str(live))
    assert (code, shown["state"], shown["height"]) == (0, "executed", sent["height"])
    assert [receipt["code"] for receipt in shown["receipts"]] == ["ok"]


def test_a_failed_one_says_why_and_exits_1(said: Said, live: Path) -> None:
    _, sent = said("transfer", "account-21", str(10**30), "--from", "account-22", "--home", str(live))
    code, shown = said("transaction", sent["id"], "--home", str(live))
    assert (code, shown["state"], shown["reason"]) == (1, "failed", "insufficient_funds")


def test_an_unknown_one_and_a_word_that_is_no_id_are_told_apart(said: Said, live: Path) -> None:
    code, refused = said("transaction", "00" * 32, "--home", str(live))
    assert (code, refused["error"]["code"]) == (1, "no_such_transaction")
    code, refused = said("transaction", "deadbeef", "--home", str(live))
    assert (code, refused["error"]["code"]) == (2, "usage")
