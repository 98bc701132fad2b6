"""`synod tracks` and proposals that change them, against a running node; and the presets that a chain begins with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from governance.presets import PRESETS
from governance.tracks import said as rules_said
from node.rehearsal.world import World
from runtime.address import address_text
from scripts.init import command_line as init
from scripts.proposing import proposal_text
from tests.scripts.conftest import Said, near
from tests.scripts.test_propose import advance
from tests.short_periods import short_genesis

FROM = ("--from", "validator-0")


@pytest.fixture(scope="module")
def opengov(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of a running node whose chain began with Polkadot's tracks."""
    home = tmp_path_factory.mktemp("opengov") / "home"
    words = ["--home", str(home), "--accounts", "20", "--preset", "opengov"]
    init.main(words, standalone_mode=False)
    with near(home):
        yield home


def test_tracks_are_shown_as_a_table_and_one_with_every_rule(said: Said, opengov: Path) -> None:
    home = ("--home", str(opengov))
    code, found = said("tracks", *home)
    names = {one["name"] for one in found["tracks"]}
    assert (code, names) == (0, set(PRESETS["opengov"].tracks))
    assert found["routes"]["treasury_spend"] == ["treasurer", "root"]
    code, root = said("tracks", "root", *home)
    assert (root["in_force"]["confirm"], root["rules"]["quorum"]) == ("14400", ">= linear 500000000 0 1000000000")
    assert root["rules"]["grace"] == "grace_period", "what a row leaves out follows its parameter"
    code, refused = said("tracks", "express", *home)
    assert code == 2 and "take one of" in refused["error"]["message"]


def test_a_proposal_takes_the_deposit_of_its_track_and_shows_its_rules(said: Said, opengov: Path) -> None:
    home = ("--home", str(opengov))
    code, sent = said("propose", "spend", "account-9", "700", *FROM, *home)
    assert (code, sent["proposal"]["standing"]["gathered"]) == (0, "1000")
    track = sent["proposal"]["proposal"]["track"]
    assert (track["name"], track["early"], track["threshold"]["curve"]["name"]) == ("treasurer", True, "reciprocal")


def test_rules_tracks_and_reviewers_are_proposed(said: Said, opengov: Path) -> None:
    home = ("--home", str(opengov))
    words = ("root", "deposit=50", "limit=2")
    code, sent = said("propose", "tracks", *words, *FROM, "--track", "root", *home)
    (change,) = sent["proposal"]["proposal"]["content"]["value"]["tracks"]
    assert (code, change["name"], change["row"]["deposit"], change["row"]["limit"]) == (0, "root", "50", "2")
    assert change["row"]["confirm"] == "14400", "the other rules stay"
    words = ("small", "deposit=1", "--like", "treasurer", "--kinds", "treasury_spend")
    code, sent = said("propose", "tracks", *words, *FROM, *home)
    value = sent["proposal"]["proposal"]["content"]["value"]
    assert value["routes"] == [{"kind": "treasury_spend", "tracks": ["treasurer", "root", "small"]}]
    code, sent = said("propose", "reviewers", "account-3", "account-4", *FROM, *home)
    assert (code, len(sent["proposal"]["proposal"]["content"]["value"]["reviewers"])) == (0, 2)
    code, refused = said("propose", "tracks", "root", "colour=red", *FROM, *home)
    assert code == 2
    code, refused = said("propose", "tracks", "emergency", "period=5000", *FROM, *home)
    assert (code, refused["receipts"][0]["code"]) == (1, "rules_conflict")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("root", "--like", "express"), "there is no track express"),
        (("express", "--remove"), "there is no track express"),
        (("root", "--kinds", "wish"), "there is no kind 'wish'"),
        (("root", "quorum=2/5"), "quorum: it begins with one of >="),
        (("root", "period=0"), "period: it must lie in"),
        (("root", "delay=voting_dela"), "neither a value nor a parameter's name"),
    ],
)
def test_a_change_of_tracks_that_means_nothing_is_not_signed(
    said: Said, opengov: Path, words: tuple[str, ...], why: str
) -> None:
    code, refused = said("propose", "tracks", *words, *FROM, "--home", str(opengov))
    assert (code, refused["error"]["code"]) == (2, "usage") and why in refused["error"]["message"]


def test_a_curve_is_shown_by_where_it_begins_and_ends(said: Said, opengov: Path) -> None:
    sent = said("propose", "text", "Curves", *FROM, "--home", str(opengov))[1]
    text = proposal_text(sent["proposal"], 1)
    assert "quorum >= 50 % to 0 % (linear), threshold >= 100 % to 50 % (reciprocal), veto > 1/1" in text


def test_a_batch_is_proposed_from_a_file_of_its_acts(said: Said, opengov: Path, tmp_path: Path) -> None:
    home, path = ("--home", str(opengov)), tmp_path / "acts.json"
    acts = [{"pause": {}}, {"isolate": {"module": "faucet", "until": "99999"}}]
    path.write_text(json.dumps(acts))
    code, sent = said("propose", "batch", str(path), *FROM, *home)
    content, track = (sent["proposal"]["proposal"][name] for name in ("content", "track"))
    assert (code, content["name"], track["name"]) == (0, "batch", "emergency")
    assert [one["name"] for one in content["value"]["messages"]] == ["pause", "isolate"]
    for wrong in ("{}x", '[{"upgrade": {}}]', "[7]", '[{"pause": {"colour": 1}}]'):
        path.write_text(wrong)
        assert said("propose", "batch", str(path), *FROM, *home)[0] == 2


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Path]:
    """The home of a node of one's own, where a spend is reviewed, and then approved by half of its yes power."""
    rows = {name: rules_said(row) for name, row in PRESETS["default"].tracks.items()}
    rows["watched"] = {"reviews": "1", "implementation": ">= 1/2"}
    routes = {**PRESETS["default"].routes, "treasury_spend": ("watched",)}
    home = tmp_path / "home"
    World.create(home, short_genesis().model_copy(update={"tracks": rows, "routes": routes})).close()
    with near(home):
        yield home


def test_acts_that_no_track_takes_together_are_not_proposed(said: Said, watched: Path, tmp_path: Path) -> None:
    path = tmp_path / "acts.json"
    spend = {"treasury_spend": {"recipient": address_text(bytes(20)), "amount": "1"}}
    path.write_text(json.dumps([{"pause": {}}, spend]))
    code, apart = said("propose", "batch", str(path), *FROM, "--home", str(watched))
    assert (code, apart["error"]["code"]) == (2, "usage") and "one by one" in apart["error"]["message"]


def test_a_reviewer_and_then_a_yes_voter_approve_what_was_voted_for(said: Said, watched: Path) -> None:
    home = ("--home", str(watched))

    def pass_vote(*words: str) -> dict[str, str]:
        """Propose, let everybody vote yes, and go to the end of what the vote leads to first."""
        number = str(said("propose", *words, *FROM, *home)[1]["proposal"]["id"])
        advance(watched, int(said("propose", "show", number, *home)[1]["standing"]["due"]) + 1)
        for voter in range(4):
            assert said("vote", number, "yes", "--from", f"validator-{voter}", *home)[0] == 0
        advance(watched, int(said("propose", "show", number, *home)[1]["standing"]["closes"]) + 1)
        return said("propose", "show", number, *home)[1]["standing"]

    effective = pass_vote("reviewers", "account-9")["effective"]
    advance(watched, int(effective) + 1)
    assert pass_vote("spend", "account-8", "1")["status"] == "review"
    code, refused = said("approve", "2", *FROM, *home)
    assert (code, refused["receipts"][0]["code"]) == (1, "not_a_reviewer")
    code, sent = said("approve", "2", "--from", "account-9", *home)
    assert (code, sent["call"]) == (0, "governance.review")
    assert said("propose", "show", "2", *home)[1]["standing"]["status"] == "implementation"
    assert said("approve", "2", "--from", "account-9", *home)[1]["receipts"][0]["code"] == "no_yes_vote"
    codes = [said("approve", "2", "--from", f"validator-{voter}", *home)[0] for voter in range(3)]
    assert codes[0] == 0
    assert said("propose", "show", "2", *home)[1]["standing"]["status"] == "timelock"


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_chain_begins_with_the_tracks_of_its_preset_written_in_its_genesis(
    said: Said, tmp_path: Path, name: str
) -> None:
    home = tmp_path / "home"
    assert said("init", "--home", str(home), "--accounts", "10", "--preset", name)[0] == 0
    genesis = json.loads((home / "genesis.json").read_text())
    assert genesis["tracks"] == {track: rules_said(row) for track, row in PRESETS[name].tracks.items()}
    assert {kind: tuple(names) for kind, names in genesis["routes"].items()} == dict(PRESETS[name].routes)


def test_a_genesis_of_ones_own_brings_its_tracks_and_takes_no_preset(said: Said, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert said("init", "--home", str(first), "--accounts", "10", "--preset", "tezos")[0] == 0
    words = ("init", "--genesis", str(first / "genesis.json"), "--home", str(second))
    code, refused = said(*words, "--preset", "cosmos")
    assert code != 0 and "leave the preset out" in refused["error"]["message"]
    assert said(*words)[0] == 0
    assert (second / "genesis.json").read_bytes() == (first / "genesis.json").read_bytes()


@pytest.mark.parametrize(
    ("rules", "routes"),
    [({"ordinary": {"colour": "red"}}, {"text": ["ordinary"]}), ({"ordinary": {}}, {}), ({}, {"text": ["ordinary"]})],
)
def test_a_genesis_whose_tracks_mean_nothing_is_refused(
    said: Said, tmp_path: Path, rules: dict[str, object], routes: dict[str, object]
) -> None:
    first = tmp_path / "first"
    assert said("init", "--home", str(first), "--accounts", "10")[0] == 0
    genesis = {**json.loads((first / "genesis.json").read_text()), "tracks": rules, "routes": routes}
    path = tmp_path / "genesis.json"
    path.write_text(json.dumps(genesis))
    assert said("init", "--genesis", str(path), "--home", str(tmp_path / "second"))[0] != 0
    assert not (tmp_path / "second").exists() or not any((tmp_path / "second").iterdir())
