"""`synod guardian` and the proposals that stop and resume, against a running node, and what `synod status` says."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from node.genesis.generated import generated_address
from node.rehearsal.world import World
from runtime.address import address_text
from scripts.client import url_of
from scripts.status import of_node
from tests.scripts.conftest import Said, near
from tests.short_periods import short_genesis

SEED = "scenario"
GUARDIAN = ("--from", "account-7")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of a running node whose guardian is account-7; the tests here share it."""
    home = tmp_path_factory.mktemp("guarded") / "home"
    guardian = generated_address(SEED, 7)
    World.create(home, short_genesis(seed=SEED).model_copy(update={"guardian": guardian})).close()
    with near(home):
        yield home


def test_the_guardian_cancels_isolates_and_pauses_at_once_and_status_tells(said: Said, guarded: Path) -> None:
    home = ("--home", str(guarded))
    assert said("propose", "spend", "account-9", "700", "--from", "validator-0", *home)[0] == 0
    code, sent = said("guardian", "cancel", "1", *GUARDIAN, *home)
    assert (code, sent["receipts"][0]["events"][-1]["kind"]) == (0, "ProposalCancelled")
    assert said("propose", "show", "1", *home)[1]["history"][-1]["reason"] == "cancelled_by_guardian"
    code, sent = said("guardian", "isolate", "faucet", "--until", "100", *GUARDIAN, *home)
    assert (code, sent["state"]) == (0, "executed")
    code, refused = said("call", "faucet.drip", "to=account-3", "coins=1", "--from", "account-3", *home)
    assert (code, refused["error"]["code"]) == (1, "module_isolated")
    assert said("transfer", "account-5", "1", "--from", "account-3", *home)[0] == 0
    code, refused = said("guardian", "pause", "--from", "account-6", *home)
    assert (code, refused["reason"]) == (1, "not_the_guardian")
    assert said("guardian", "pause", *GUARDIAN, *home)[0] == 0
    code, refused = said("transfer", "account-5", "1", "--from", "account-3", *home)
    assert (code, refused["error"]["code"]) == (1, "safe_mode")
    status = said("status", *home)[1]
    chain, faucet = status["stops"]
    assert (status["safe_mode"], chain["module"], chain["reason"]) == (True, "", "guardian")
    assert (faucet["module"], faucet["until"], chain["until"] - faucet["since"]) == ("faucet", 100, 14_400)
    assert "module faucet is isolated, since height" in of_node(url_of(guarded)).text
    assert "synod_isolated_modules 1.0" in httpx.get(f"{url_of(guarded)}/metrics").text
    lines = [row["value"]["kind"] for row in said("query", "upgrade.stops", *home)[1]["rows"]]
    assert lines == ["isolated", "paused"]


def test_stops_and_who_is_guardian_are_proposed_too(said: Said, guarded: Path) -> None:
    home, another = ("--home", str(guarded)), address_text(generated_address(SEED, 9))
    for number, (words, kind, value) in enumerate(
        [
            (("isolate", "faucet", "--until", "90000"), "isolate", {"module": "faucet", "until": "90000"}),
            (("pause", "--until", "90000"), "pause", {"until": "90000"}),
            (("guardian", "none"), "guardian", {"guardian": []}),
            (("guardian", "account-9"), "guardian", {"guardian": [another]}),
        ]
    ):
        code, sent = said("propose", *words, "--from", f"validator-{number}", *home)
        content = sent["proposal"]["proposal"]["content"]
        assert (code, content["name"], content["value"]) == (0, kind, value)
    code, refused = said("propose", "resume", "treasury", "--from", "validator-3", *home)
    assert (code, refused["reason"]) == (1, "not_stopped")


def test_a_chain_begins_with_an_account_of_its_own_as_guardian_or_not_at_all(said: Said, tmp_path: Path) -> None:
    made = said("init", "--home", str(tmp_path / "good"), "--accounts", "8", "--guardian", "7")[1]
    assert made["guardian"] == address_text(generated_address("1", 7))
    home = ("--home", str(tmp_path / "home"))
    code, refused = said("init", "--accounts", "8", "--guardian", "8", *home)
    assert (code, refused["error"]["place"]) == (2, "guardian")
    (tmp_path / "genesis.json").write_text("{}")
    assert said("init", "--genesis", str(tmp_path / "genesis.json"), "--guardian", "1", *home)[0] == 2
    assert not (tmp_path / "home").exists()
