"""`synod propose` and `synod vote` against a running node: every kind, and one upgrade from bundle to flip."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.arguments import encoded
from scripts.client import url_of
from scripts.proposing import durations_text, proposal_text
from scripts.signing import Asked, desk_of, event_value
from scripts.status import of_node
from tests.node.processes import new_world
from tests.scripts.conftest import Said, near

FROM = ("--from", "validator-0")


def advance(home: Path, height: int) -> None:
    """Let blocks be made up to a height, by transfers."""
    with desk_of(Asked(home, None, None, "account-6", None, None, False, True, 60)) as desk:
        signer, send = desk.signer(), desk.runtime.call("bank.send")
        args = encoded("bank.send", send.args, {"to": desk.identities.text("account-5"), "coins": "1"})
        while (now := desk.client.status()["height"]) < height:
            desk.send(signer, send, args, fee=1)
            while desk.client.status()["height"] == now:
                pass


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Path]:
    """The home of a node of one's own."""
    home = tmp_path / "home"
    new_world(home).close()
    with near(home):
        yield home


@pytest.mark.parametrize(
    ("words", "kind", "value"),
    [
        (
            ("parameter", "quorum_threshold=0.4", "max_snapshots=12"),
            "parameter_change",
            {"values": [
                {"name": "quorum_threshold", "number": "2", "per": "5"},
                {"name": "max_snapshots", "number": "12", "per": "0"},
            ]},
        ),
        (("spend", "account-9", "700"), "treasury_spend", None),
        (("text", "Meet on Friday", "--description", "At noon."), "text", {}),
    ],
)  # fmt: skip
def test_each_ordinary_kind_is_proposed_with_its_whole_deposit(
    said: Said, live: Path, words: tuple[str, ...], kind: str, value: object
) -> None:
    code, sent = said("propose", *words, *FROM, "--home", str(live))
    assert (code, sent["state"]) == (0, "executed")
    content = sent["proposal"]["proposal"]["content"]
    assert (content["name"], sent["proposal"]["standing"]["gathered"]) == (kind, "1000")
    assert value is None or content["value"] == value
    assert event_value(sent, "ProposalSubmitted", "proposer") == sent["body"]["sender"]
    listed = said("propose", "list", "--home", str(live))[1]
    assert sent["proposal"]["id"] in [one["id"] for one in listed]
    code, shown = said("propose", "show", str(sent["proposal"]["id"]), "--home", str(live))
    assert (code, shown["history"][0]["reason"]) == (0, "submitted")


def test_a_proposal_with_part_of_its_deposit_waits_for_the_rest(said: Said, live: Path) -> None:
    words = ("propose", "text", "--title", "Later", "--deposit", "400", "--from", "validator-1", "--home", str(live))
    code, sent = said(*words)
    assert (code, sent["proposal"]["standing"]["status"]) == (0, "deposit")
    number = sent["proposal"]["id"]
    call = ("call", "governance.deposit", f"proposal={number}", "amount=600", "--from", "account-25")
    assert said(*call, "--home", str(live))[0] == 0
    assert said("propose", "show", str(number), "--home", str(live))[1]["standing"]["gathered"] == "1000"


@pytest.mark.parametrize(
    ("words", "code", "name"),
    [
        (("rollback", "1", *FROM), 1, "no_open_window"),
        (("cancel-upgrade", "77", *FROM), 1, "unknown_proposal"),
        (("resume", *FROM), 1, "not_stopped"),
        (("feature", "no_such", "on", *FROM), 1, "unknown_target"),
        (("pause", "--from", "account-26"), 1, "below_power_floor"),
        (("parameter", "voting_periode=3", *FROM), 2, "usage"),
        (("parameter", "voting_period=0.5", *FROM), 2, "usage"),
        (("parameter", "voting_period=1", *FROM), 2, "usage"),
        (("parameter", "quorum_threshold", *FROM), 2, "usage"),
        (("text", *FROM), 2, "usage"),
        (("text", "One", "--title", "Another", *FROM), 2, "usage"),
        (("spend", "nobody", "1", *FROM), 2, "signer_unknown"),
        (("show", "900"), 1, "no_such_proposal"),
    ],
)
def test_what_cannot_be_proposed_says_why(
    said: Said, live: Path, words: tuple[str, ...], code: int, name: str
) -> None:
    found, answer = said("propose", *words, "--home", str(live))
    assert (found, answer["error"]["code"] if "error" in answer else answer["reason"]) == (code, name)


def test_an_upgrade_is_published_proposed_voted_and_then_its_call_and_query_are_there(
    said: Said, chain: Path, tmp_path: Path
) -> None:
    home, bundle = ("--home", str(chain)), str(tmp_path / "mine")
    said("bundle", "new", bundle)
    code, sent = said("propose", "upgrade", "--bundle", bundle, "--estimate", "90", *FROM, *home)
    assert sent["proposal"]["proposal"]["content"]["value"]["plan"][0]["estimated_duration"] == "90000"
    assert "duration            estimated 90.0 s" in proposal_text(sent["proposal"], 1)
    assert (code, sent["effect"]["to_version"], sent["effect"]["breaking"]) == (0, "2.0.0", False)
    number, standing = str(sent["proposal"]["id"]), sent["proposal"]["standing"]
    code, early = said("vote", number, "yes", *FROM, *home)
    assert (code, early["reason"]) == (1, "voting_not_open")
    advance(chain, int(standing["due"]) + 1)
    for voter in range(4):
        code, vote = said("vote", number, "yes", "--bundle", bundle, "--from", f"validator-{voter}", *home)
        assert (code, vote["bundle"], vote["effect"]) == (0, sent["code_hash"], sent["effect"]["digest"])
    code, again = said("vote", number, "yes", *FROM, *home)
    assert (code, again["reason"]) == (1, "same_vote")
    closes = int(said("propose", "show", number, *home)[1]["standing"]["closes"])
    advance(chain, closes)
    shown = said("propose", "show", number, *home)[1]
    assert (shown["standing"]["status"], shown["standing"]["tally"]["voters"]) == ("timelock", "4")
    text = proposal_text(shown, closes)
    assert (text.count(sent["code_hash"]), text.count(sent["effect"]["digest"])) == (1, 1)
    planned = f"to 2.0.0 at height {int(shown['standing']['effective']):,}, proposal {number}"
    assert planned in of_node(url_of(chain)).text
    assert said("vote", number, "no", *FROM, *home)[1]["reason"] == "voting_closed"
    code, unknown = said("call", "guestbook.sign", "line=early", "--from", "account-3", *home)
    assert (code, unknown["error"]["code"]) == (2, "usage")
    advance(chain, int(shown["standing"]["effective"]))
    assert said("call", "guestbook.sign", "line=I was here", "--from", "account-3", *home)[0] == 0
    assert said("query", "guestbook.line_of", "author=account-3", *home)[1]["result"] == "I was here"
    after = said("status", *home)[1]["upgrade"]
    assert (after["pending"], after["rollback_until"] is None) == (None, False)
    assert said("query", "guestbook.entries", "account-3", "--prove", *home)[1]["row"]["value"]["line"] == "I was here"
    code, twice = said("propose", "upgrade", "--bundle", bundle, *FROM, *home)
    assert (code, twice["error"]["code"]) == (1, "bundle_refused")


@pytest.mark.parametrize(
    ("estimated", "took", "says"),
    [
        (0, [], []),
        (2_000, [], ["estimated 2.0 s"]),
        (0, [1_300, 900], ["rehearsed in 1.3 s and 51 MiB at most"]),
        (2_000, [900, 1_300], ["estimated 2.0 s, rehearsed in 1.3 s and 51 MiB at most"]),
        (1_000, [900, 1_300], ["estimated 1.0 s, rehearsed in 1.3 s and 51 MiB at most: LONGER THAN ESTIMATED"]),
        (1_000, [None], ["estimated 1.0 s"]),
    ],
)
def test_what_rehearsals_took_stands_beside_the_estimate_with_a_warning_once_that_is_passed(  # R1.3
    estimated: int, took: list[int | None], says: list[str]
) -> None:
    what = {"content": {"value": {"plan": [{"estimated_duration": str(estimated)}]}}}
    words = [{"milliseconds": one, "memory_bytes": one and 51 << 20} for one in took]
    assert list(durations_text(what, {"attestations": words})) == says
    assert list(durations_text({"content": {"value": {}}}, None)) == []


def test_a_vote_for_other_bytes_than_those_reviewed_is_not_signed(said: Said, live: Path, tmp_path: Path) -> None:
    said("bundle", "new", str(tmp_path / "mine"))
    number = said("propose", "text", "--title", "No bundle", "--from", "validator-2", "--home", str(live))[1]
    words = ("vote", str(number["proposal"]["id"]), "yes", "--bundle", str(tmp_path / "mine"), "--from", "validator-2")
    code, refused = said(*words, "--home", str(live))
    assert (code, refused["error"]["code"], refused["error"]["proposed"]) == (1, "other_bundle", "")


def test_a_bundle_that_does_not_check_is_not_published(said: Said, live: Path, tmp_path: Path) -> None:
    said("bundle", "new", str(tmp_path / "mine"))
    bank = tmp_path / "mine" / "bank.py"
    bank.write_text(bank.read_text() + "\n\nx = 0.5\n")
    code, refused = said("propose", "upgrade", "--bundle", str(tmp_path / "mine"), *FROM, "--home", str(live))
    assert (code, refused["error"]["code"]) == (1, "bundle_refused")
    assert refused["error"]["problems"][0]["file"] == "bank.py"
    assert said("query", "governance.uploads", "--home", str(live))[1]["rows"] == []
