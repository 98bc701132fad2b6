"""`synod import`: a foreign genesis counted and made a chain."""

import json
import os
from fractions import Fraction
from pathlib import Path

import pytest

from tests.node.processes import started
from tests.scripts.conftest import Said

CHECKOUT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("SYNOD_GENESIS_DATA") or CHECKOUT.parent / "shared" / "data")
HUB = DATA / "cosmoshub-2-genesis.json"
SDK = CHECKOUT / "tests" / "node" / "genesis" / "theta-1.json"


def test_a_file_is_only_looked_at_unless_more_is_asked(said: Said, tmp_path: Path) -> None:
    code, answer = said("import", str(SDK))
    assert (code, answer["layout"], answer["chain_id"]) == (0, "cosmos_sdk", "theta-1-rehearsal-1")
    assert int(answer["supply"]) == sum(int(coins) for coins in answer["sums"].values())
    assert answer["counts"]["substitute_keys"] > 0
    assert list(tmp_path.iterdir()) == []


def test_what_is_written_reads_back_as_the_same_chain(said: Said, tmp_path: Path) -> None:
    out = tmp_path / "genesis.json"
    code, first = said("import", str(SDK), "--seed", "friday", "--out", str(out))
    assert (code, first["chain_id"], first["out"]) == (0, "theta-1-rehearsal-friday", str(out))
    written = out.read_bytes()
    assert said("import", str(SDK), "--out", str(out))[0] == 2, "what stands there is not overwritten"
    assert out.read_bytes() == written
    again = said("import", str(out), "--seed", "another")[1]
    assert again["genesis"] == first["genesis"]
    assert json.loads(out.read_bytes())["source"]["chain"] == "theta-1"


def test_a_home_begins_with_it_and_with_what_the_environment_states(
    said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = said("import", str(SDK))[1]
    monkeypatch.setenv("SYNOD_UPGRADE_VOTING_PERIOD", "20")
    code, made = said("import", str(SDK), "--home", str(tmp_path / "home"))
    assert code == 0
    assert made["genesis"] != plain["genesis"]
    status = said("status", "--home", str(tmp_path / "home"))[1]
    assert (status["height"], status["app_root"]) == (0, made["app_root"])
    code, refused = said("import", str(SDK), "--home", str(tmp_path / "home"))
    assert (code, refused["error"]["code"]) == (2, "home_not_empty")


@pytest.mark.parametrize(
    ("content", "name"),
    [(b"", "genesis_malformed"), (b"[1]", "genesis_malformed"), (b'{"a": 1}', "genesis_foreign")],
)
def test_what_is_no_genesis_is_refused_as_wrong_usage(
    said: Said, tmp_path: Path, content: bytes, name: str
) -> None:
    (tmp_path / "x.json").write_bytes(content)
    code, refused = said("import", str(tmp_path / "x.json"), "--home", str(tmp_path / "home"))
    assert (code, refused["error"]["code"]) == (2, name)
    assert not (tmp_path / "home").exists()
    assert said("import", str(SDK), "--seed", "No Seed")[1]["error"]["code"] == "seed_invalid"


@pytest.mark.skipif(not HUB.is_file(), reason=f"{HUB} is absent: set SYNOD_GENESIS_DATA to its folder")
def test_the_hub_s_genesis_of_2019_comes_to_the_counts_and_sums_that_are_known(said: Said) -> None:
    code, hub = said("import", str(HUB))
    assert (code, hub["layout"], hub["chain_id"]) == (0, "cosmos_2019", "cosmoshub-2-rehearsal-1")
    counts = {name: hub["counts"][name] for name in ("accounts", "validators", "bonded", "delegations")}
    assert counts == {"accounts": 1027, "validators": 105, "bonded": 99, "delegations": 1112}
    assert hub["sums"] == {
        "accounts": "112415519659537",
        "validators": "121093306520836",
        "unbonding": "4014760650077",
        "community_pool": "27661082445",
        "faucet": "0",
    }
    assert hub["supply"] == "237551247912895"
    assert (hub["counts"]["open_proposals"], hub["counts"]["votes"], hub["counts"]["deposits"]) == (2, 120, 6)


@pytest.mark.skipif(not HUB.is_file(), reason=f"{HUB} is absent: set SYNOD_GENESIS_DATA to its folder")
def test_the_hub_s_open_votes_are_told_in_units_and_traced_to_everyone_behind_them(said: Said, tmp_path: Path) -> None:
    home = ("--home", str(tmp_path / "hub"))
    assert said("import", str(HUB), "--preset", "cosmos", *home)[0] == 0
    with started(tmp_path / "hub", "--blocks", "demand") as node:
        node.serving()
        assert [one["id"] for one in said("propose", "list", "--status", "voting", *home)[1]] == [5, 4]
        for number, voters, turnout in ((4, 37, "35.94"), (5, 80, "82.46")):
            code, found = said("tally", str(number), "--explain", *home)
            assert (code, found["now"]["voters"], found["now"]["power"]) == (0, voters, "121093128551286")
            assert f"{float(100 * Fraction(found['now']['turnout'])):.2f}" == turnout
            sums = [sum(int(share["parts"][place]) for share in found["shares"]) for place in range(4)]
            assert [str(units) for units in sums] == [found["now"][name] for name in ("yes", "no", "abstain", "veto")]
            assert sum(int(share["power"]) for share in found["shares"]) == int(found["now"]["power"])
            assert sum(share["vote"] != "" for share in found["shares"]) == voters
        mine = max(found["shares"], key=lambda share: sum(int(part["power"]) for part in share["delegated"]))
        code, _ = said("vote", "5", "abstain", "--from", mine["address"], *home)
        after = said("tally", "5", *home)[1]["now"]
        assert (code, after["voters"]) == (0, 80)
        assert int(after["abstain"]) == int(found["now"]["abstain"]) + int(mine["power"])
        code, checks = said("verify", *home)
        assert code == 0, checks


def test_a_preset_beside_a_document_that_has_its_tracks_is_refused(said: Said, tmp_path: Path) -> None:
    assert said("import", str(SDK), "--preset", "cosmos", "--out", str(tmp_path / "own.json"))[0] == 0
    code, refused = said("import", str(tmp_path / "own.json"), "--preset", "cosmos")
    assert (code, refused["error"]["code"]) == (2, "genesis_inconsistent")
