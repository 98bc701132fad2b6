"""Voting by hand, by statement and by file; who may vote; and the receipt that a vote was counted.  # R2.3"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from node.ballots import BallotUnreadable, read_ballot
from scripts.cli import synod
from scripts.command import outcome
from scripts.vote_receipt import checked
from storage.errors import ProofInvalid
from tests.node.processes import new_world
from tests.scripts.conftest import Said, near
from tests.scripts.test_propose import advance

DELEGATED, SILENT = 2_000_000, 3_000


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of a node of its own."""
    home = tmp_path_factory.mktemp("votes") / "home"
    new_world(home).close()
    with near(home):
        yield home


@pytest.fixture(scope="module")
def opened(chain: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A proposal that is voted on; account-20 and account-22 have delegated to validator-0 before."""
    home = ("--home", str(chain))
    for owner, coins in (("account-20", DELEGATED), ("account-22", SILENT)):
        words = ["call", "staking.delegate", "validator=validator-0", f"coins={coins}", "--from", owner, *home]
        assert outcome(synod, words, "synod") == 0
    assert outcome(synod, ["propose", "text", "Meet on Friday", "--from", "validator-0", *home], "synod") == 0
    advance(chain, opening(chain))
    return "1"


def opening(chain: Path) -> int:
    from scripts.client import Client, url_of

    with Client(url_of(chain)) as client:
        return int(client.proposal(1)["standing"]["due"]) + 1


@pytest.mark.parametrize(
    ("text", "ballot"),
    [
        ("yes", ("yes", [])),
        ("no=0.3,yes=0.7", ("", [("yes", 7 * 10**17), ("no", 3 * 10**17)])),
        ("yes=0.000000000000000001,veto=0.999999999999999999", ("", [("yes", 1), ("veto", 10**18 - 1)])),
    ],
)
def test_a_ballot_is_read_exactly(text: str, ballot: tuple[str, list[tuple[str, int]]]) -> None:
    option, split = read_ballot(text)
    assert (option, [(share.option, share.weight) for share in split]) == ballot


@pytest.mark.parametrize(
    "text", ["maybe", "", "yes=1", "yes=0.5,no=0.4", "yes=0.5,yes=0.5", "yes=x,no=1", "yes=1e-19,no=1", "yes=-1,no=2"]
)
def test_what_is_no_ballot_says_why(text: str) -> None:
    with pytest.raises(BallotUnreadable):
        read_ballot(text)


def test_the_whole_way_of_a_vote_that_is_delegated_overridden_relayed_and_proven(
    said: Said, chain: Path, opened: str, tmp_path: Path
) -> None:
    home = ("--home", str(chain))
    listed = said("electorate", "--proposal", opened, *home)[1]
    by_name = {one["address"]: one for one in listed["electors"]}
    delegator = said("electorate", "account-20", "--proposal", opened, *home)[1]
    assert (delegator["power"], delegator["delegated"]) == ("0", str(DELEGATED))
    assert delegator in said("electorate", "--delegators", *home)[1]["electors"]
    validator = by_name[delegator["delegations"][0]["validator"]]
    assert sum(int(one["power"]) for one in listed["electors"]) == int(listed["power"])

    code, sent = said("vote", opened, "yes=0.5,abstain=0.5", "--from", "validator-0", *home)
    assert (code, sent["state"]) == (0, "executed")
    file = tmp_path / "vote.json"
    signed = ("vote", opened, "no", "--from", "account-20", "--sign-to", str(file))
    assert said(*signed, *home)[0] == 0
    relayed = said("vote", "--relay", str(file), "--from", "account-21", *home)
    assert (relayed[0], relayed[1]["voter"]) == (0, delegator["address"])
    again = said("vote", "--relay", str(file), "--from", "account-21", *home)
    assert (again[0], again[1]["reason"]) == (1, "vote_used")

    kept = tmp_path / "receipt.json"
    code, proven = said("vote-receipt", opened, "account-20", "--out", str(kept), *home)
    assert (code, proven["counted"]["vote"], proven["counted"]["weight"]) == (0, "no", str(DELEGATED))
    assert (proven["tally"]["no"], proven["tally"]["voters"]) == (str(DELEGATED), "2")
    of_validator = said("vote-receipt", opened, "validator-0", *home)[1]
    assert int(of_validator["counted"]["weight"]) == int(validator["power"]) - DELEGATED
    assert said("vote-receipt", "--check", str(kept), "--root", proven["app_root"])[0] == 0
    assert said("vote-receipt", "--check", str(kept), "--root", "0" * 64)[1]["error"]["code"] == "proof_invalid"
    code, absent = said("vote-receipt", opened, "account-30", *home)
    assert (code, absent["error"]["code"]) == (1, "not_counted")
    forged = json.loads(kept.read_text())
    forged["voter"] = said("electorate", "account-30", *home)[1]["address"]
    with pytest.raises(ProofInvalid):
        checked(forged, bytes.fromhex(proven["app_root"]))


def test_a_proxy_votes_for_who_has_named_it_and_for_nobody_else(said: Said, chain: Path, opened: str) -> None:
    home = ("--home", str(chain))
    proxy = said("electorate", "account-25", *home)[1]["address"]
    named = said("call", "governance.name_proxy", f'proxy=["{proxy}"]', "--from", "account-24", *home)
    assert (named[0], said("electorate", "account-24", *home)[1]["proxy"]) == (0, proxy)
    assert said("vote", opened, "abstain", "--for", "account-24", "--from", "account-25", *home)[0] == 0
    receipt = said("vote-receipt", opened, "account-24", *home)[1]
    assert (receipt["counted"]["vote"], receipt["counted"]["cast_by"]) == ("abstain", proxy)
    code, refused = said("vote", opened, "no", "--for", "account-24", "--from", "account-26", *home)
    assert (code, refused["reason"]) == (1, "not_the_proxy")


def test_a_batch_is_checked_whole_before_anything_is_sent(
    said: Said, chain: Path, opened: str, tmp_path: Path
) -> None:
    file = tmp_path / "votes.csv"
    file.write_text(
        "proposal,vote,from\n"
        f"{opened},yes,validator-1\n"
        "x,yes,validator-1\n"
        f"{opened},maybe,validator-1\n"
        f"{opened},yes,nobody\n"
        "77,yes,validator-1\n"
        f"{opened},no,validator-1\n"
        f"{opened},no,account-33\n"
        f"{opened},no\n"
    )
    code, refused = said("vote", "--batch", str(file), "--home", str(chain))
    assert (code, refused["error"]["code"]) == (2, "bad_batch")
    assert [one["line"] for one in refused["error"]["problems"]] == [3, 4, 5, 6, 7, 8, 9]
    assert said("vote-receipt", opened, "validator-1", "--home", str(chain))[1]["error"]["code"] == "not_counted"
    file.write_text("proposal,vote\n1,yes\n")
    assert said("vote", "--batch", str(file), "--home", str(chain))[1]["error"]["problems"][0]["line"] == 1
    file.write_bytes(b"proposal,vote,from\n\xff\xfe,,\n")
    assert said("vote", "--batch", str(file), "--home", str(chain))[1]["error"]["code"] == "bad_batch"


def test_a_batch_that_is_repeated_leaves_what_counts_alone(
    said: Said, chain: Path, opened: str, tmp_path: Path
) -> None:
    file, home = tmp_path / "votes.csv", ("--home", str(chain))
    file.write_text(f'proposal,vote,from\n{opened},"yes=0.9,no=0.1",validator-1\n{opened},veto,validator-2\n')
    code, first = said("vote", "--batch", str(file), *home)
    assert (code, [one["state"] for one in first["votes"]], first["there"]) == (0, ["executed", "executed"], 0)
    file.write_text(file.read_text() + f"{opened},no,validator-3\n")
    code, second = said("vote", "--batch", str(file), *home)
    assert (code, [one["state"] for one in second["votes"]]) == (0, ["there", "there", "executed"])
    assert [one["line"] for one in second["votes"]] == [2, 3, 4]


@pytest.mark.parametrize(
    "words", [(), ("1",), ("1", "yes", "--batch", __file__), ("--relay", __file__, "--batch", __file__)]
)
def test_there_is_one_way_to_vote_at_a_time(said: Said, words: tuple[str, ...]) -> None:
    code, answer = said("vote", *words)
    assert (code, answer["error"]["code"]) == (2, "usage")


@pytest.mark.parametrize(
    "words",
    [
        ("1", "yes", "--for", "account-20", "--sign-to", "apart.vote"),
        ("1", "yes", "--expiry", "5"),
        ("--relay", __file__, "--bundle", "."),
        ("--batch", __file__, "--for", "account-20"),
        ("--batch", __file__, "--sign-to", "apart.vote"),
        ("1", "yes", "--sign-to", __file__),
    ],
    ids=" ".join,
)
def test_an_option_that_would_go_unheard_or_overwrite_a_file_is_refused(said: Said, words: tuple[str, ...]) -> None:
    code, answer = said("vote", *words)
    assert (code, answer["error"]["code"]) == (2, "usage")


@pytest.mark.parametrize("number", ["9" * 5_000, "99999999999999999999", "-1", "\u0663"])
def test_a_batch_names_the_line_whose_proposal_is_no_number(
    said: Said, chain: Path, tmp_path: Path, number: str
) -> None:
    file = tmp_path / "votes.csv"
    file.write_text(f"proposal,vote,from\n{number},yes,validator-0\n", encoding="utf-8")
    code, refused = said("vote", "--batch", str(file), "--home", str(chain))
    assert (code, refused["error"]["code"], refused["error"]["problems"][0]["line"]) == (2, "bad_batch", 2)


@pytest.mark.parametrize("words", [("vote", "--relay"), ("vote-receipt", "--check")], ids=" ".join)
def test_a_file_nested_beyond_reading_is_told(
    said: Said, chain: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    file = tmp_path / "deep.json"
    file.write_text("[" * 100_000)
    signer = ("--from", "account-21") if "vote" in words else ()
    code, refused = said(*words, str(file), "--home", str(chain), *signer)
    assert code == 2 and refused["error"]["code"].endswith("_unreadable")


@pytest.mark.parametrize("change", [{"proposal": True}, {"proposal": -1}, {"voter": "nobody"}, {"app_root": "00"}])
def test_a_receipt_whose_parts_cannot_be_is_no_receipt(
    said: Said, chain: Path, opened: str, tmp_path: Path, change: dict[str, Any]
) -> None:
    file, home = tmp_path / "receipt.json", ("--home", str(chain))
    assert said("vote", opened, "abstain", "--from", "validator-3", *home)[1]["state"] in ("executed", "failed")
    assert said("vote-receipt", opened, "validator-3", "--out", str(file), *home)[0] == 0
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    code, refused = said("vote-receipt", "--check", str(file), *home)
    assert (code, refused["error"]["code"]) == (2, "receipt_unreadable")


def test_a_receipt_shows_no_row_but_the_proven_one_and_says_who_names_its_height(
    said: Said, chain: Path, opened: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, home = tmp_path / "receipt.json", ("--home", str(chain))
    said("vote", opened, "abstain", "--from", "validator-3", *home)
    root = said("vote-receipt", opened, "validator-3", "--out", str(file), *home)[1]["app_root"]
    assert outcome(synod, ["vote-receipt", "--check", str(file)], "synod") == 0
    assert "which the receipt names for height" in capsys.readouterr().out
    assert outcome(synod, ["vote-receipt", "--check", str(file), "--root", root], "synod") == 0
    assert capsys.readouterr().out.endswith(f"proven against root {root}\n")
    altered = json.loads(file.read_text())
    altered["vote"]["row"]["value"]["weight"] = "1"
    file.write_text(json.dumps(altered))
    assert said("vote-receipt", "--check", str(file))[1]["error"]["code"] == "proof_invalid"
    assert said("vote-receipt", opened, "validator-3", "--out", str(file), *home)[0] == 2, "nothing is overwritten"


def test_a_refusal_in_a_receipt_says_what_it_means(
    chain: Path, opened: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["vote", opened, "yes", "--from", "account-31", "--home", str(chain)]
    assert outcome(synod, words, "synod") == 1
    said = capsys.readouterr().out
    assert "no_power" in said and "had no voting power at height ..., when this electorate was fixed" in said


def test_a_file_that_holds_something_else_is_told(said: Said, chain: Path) -> None:
    home = ("--from", "account-21", "--home", str(chain))
    assert said("vote", "--relay", __file__, *home)[1]["error"]["code"] == "signed_vote_unreadable"
    assert said("vote-receipt", "--check", __file__)[1]["error"]["code"] == "receipt_unreadable"


def by_address(found: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {one["address"]: one for one in found}


def test_a_tally_is_told_supposed_traced_and_turned(said: Said, chain: Path, opened: str) -> None:
    home = ("--home", str(chain))
    assert said("vote", opened, "no", "--from", "validator-1", *home)[0] == 0
    code, found = said("tally", opened, "--explain", "--flip", *home)
    now = found["now"]
    assert (code, found["status"], found["then"]) == (0, "voting", None)
    counts = [int(now[name]) for name in ("yes", "no", "abstain", "veto")]
    assert [sum(int(one["parts"][place]) for one in found["shares"]) for place in range(4)] == counts
    assert sum(int(one["power"]) for one in found["shares"]) == int(now["power"])
    by = by_address(found["shares"])
    first = by[said("electorate", "validator-0", *home)[1]["address"]]
    assert first["vote"] == "yes=0.5,abstain=0.5"
    assert int(first["inherited"]) == DELEGATED + SILENT <= int(first["staked"])
    assert int(first["taken"]) == DELEGATED, "what account-20 has voted itself"
    assert now["verdict"] == "rejected" and found["coalition"]["vote"] == "yes"
    silent = by_address(found["inheriting"])[said("electorate", "account-22", *home)[1]["address"]]
    part = {"validator": first["address"], "power": str(SILENT), "vote": "yes=0.5,abstain=0.5"}
    assert (silent["delegated"], silent["power"], silent["vote"]) == ([part], "0", "")
    for validator in by.values():
        theirs = sum(
            int(part["power"])
            for one in (*found["inheriting"], *found["shares"])
            for part in one["delegated"]
            if part["validator"] == validator["address"] and not one["vote"]
        )
        assert theirs == int(validator["inherited"]) - int(validator["taken"])
    assert not found["more_inheriting"]
    few = said("tally", opened, "--explain", "--delegators", "0", *home)[1]
    assert (few["inheriting"], few["more_inheriting"], few["shares"]) == ([], True, found["shares"])
    supposing = ",".join(f"{one['address']}=yes" for one in found["coalition"]["members"])
    code, turned = said("tally", opened, "--if", supposing, *home)
    assert (code, turned["now"], turned["then"]["verdict"]) == (0, now, "passed")
    code, other = said("tally", opened, "--if", "validator-1=yes=0.5,no=0.5,quorum=0.5", *home)
    assert (code, other["then"]["quorum"]) == (0, "1/2")
    assert int(other["then"]["yes"]) > int(now["yes"]) and int(other["then"]["no"]) < int(now["no"])
    assert said("tally", opened, *home)[1]["now"] == now, "supposing changes nothing"


@pytest.mark.parametrize(
    ("supposing", "code"),
    [
        ("nobody=yes", "signer_unknown"),
        ("validator-0=perhaps", "bad_supposition"),
        ("quorum=9", "bad_supposition"),
        ("quorum", "usage"),
        ("account-30=yes", "no_power"),
        ("validator-0=yes,validator-0=no", "usage"),
    ],
)
def test_a_supposition_that_cannot_be_says_why(said: Said, chain: Path, opened: str, supposing: str, code: str) -> None:
    ended, refused = said("tally", opened, "--if", supposing, "--home", str(chain))
    assert (ended, refused["error"]["code"]) == (1 if code == "no_power" else 2, code)
    assert code != "no_power" or refused["error"]["message"].startswith("the node says no_power: syn1")


def test_only_an_open_vote_can_be_supposed_about(
    said: Said, chain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ("--home", str(chain))
    assert said("tally", "99", *home)[1]["error"]["code"] == "no_such_proposal"
    sent = said("propose", "text", "Meet on Monday", "--from", "validator-0", *home)[1]["proposal"]
    number = str(sent["id"])
    assert said("tally", number, *home)[1]["now"]["reason"] == "too_few_voters"
    capsys.readouterr()
    assert outcome(synod, ["tally", number, *home], "synod") == 0
    assert "a close would say  rejected: too_few_voters" in capsys.readouterr().out
    assert said("tally", number, "--if", "quorum=0.5", *home)[1]["error"]["code"] == "electorate_not_kept"
