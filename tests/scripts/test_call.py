"""`synod call`: any call that runs now, host calls included, with arguments by the declared schema."""

from pathlib import Path

import pytest

from tests.scripts.conftest import Said


def test_a_call_of_a_module_runs_by_its_declared_arguments(said: Said, live: Path) -> None:
    code, sent = said("call", "staking.delegate", "validator=validator-0", "coins=5000", "--from", "account-20",
                      "--home", str(live))  # fmt: skip
    assert (code, sent["state"], sent["body"]["module"], sent["body"]["call"]) == (0, "executed", "staking", "delegate")
    code, rows = said("query", "staking.delegations", "account-20", "--home", str(live))
    assert (code, rows["rows"][-1]["key"]["validator"] != "") == (0, True)


def test_a_host_call_runs_too_and_pays_no_fee(said: Said, live: Path) -> None:
    code, sent = said("call", "governance.cancel", "proposal=999", "--from", "account-21", "--fee", "50",
                      "--home", str(live))  # fmt: skip
    assert (code, sent["state"], sent["reason"], sent["body"]["fee"]) == (1, "failed", "unknown_proposal", "0")


def test_without_a_name_the_calls_are_listed(said: Said, live: Path) -> None:
    code, listed = said("call", "--home", str(live))
    assert (code, "bank.send to=ADDRESS coins=AMOUNT" in listed["calls"]) == (0, True)
    assert {one.partition(".")[0] for one in listed["host_calls"]} == {"governance", "keys"}


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("bank.sned", "to=account-1"), "no call is called 'bank.sned'"),
        (("bank.take", "owner=account-1", "coins=1"), "governance.vote proposal=AMOUNT"),
        (("send",), "'send' is not MODULE.NAME"),
        (("bank.take", "owner=account-1", "coins=1"), "bank.send to=ADDRESS coins=AMOUNT"),
        (("bank.send", "to=account-1"), "bank.send lacks coins (amount)"),
        (("bank.send", "to=account-1", "coins=many"), "coins (amount)"),
        (("bank.send", "to=account-1", "coin=1"), "no argument 'coin'"),
    ],
)
def test_wrong_usage_names_what_is_wrong_and_what_there_is(
    said: Said, live: Path, words: tuple[str, ...], named: str
) -> None:
    code, refused = said("call", *words, "--from", "account-22", "--home", str(live))
    assert (code, refused["error"]["code"]) == (2, "usage")
    assert named in refused["error"]["message"]
