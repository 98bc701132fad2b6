"""`synod rollback` on a node whose last upgrade can still be undone: it proposes, votes, and names the height."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.proposing import proposal_text
from tests.node.processes import new_world, started
from tests.scenarios.upgrades import activated, example
from tests.scripts.conftest import Said, near
from tests.short_periods import SHORT

INTERVAL_MS = 20


@dataclass(frozen=True)
class Upgraded:
    """A home whose chain has just run an upgrade; its proposal and the runtime root of the height before it."""

    home: Path
    proposal: int
    root: str


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Upgraded:
    home = tmp_path_factory.mktemp("upgraded") / "home"
    world = new_world(home, {**SHORT, "emergency_period": 100})
    voted = activated(world, example(world))
    window = world.coordinator().window()
    assert window is not None
    world.close()
    return Upgraded(home, voted.proposal, window.runtime_root.hex())


@pytest.fixture
def home(made: Upgraded, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(made.home, tmp_path / "home"))


def test_the_last_upgrade_is_undone_at_the_height_that_was_printed(said: Said, made: Upgraded, home: Path) -> None:
    at = ("--home", str(home))
    with started(home, interval_ms=INTERVAL_MS) as node:
        node.serving()
        code, answer = said("rollback", *at)
        assert code == 0
        assert answer["proposal"]["proposal"]["content"]["value"] == {"upgrade": str(made.proposal)}
        assert [one["code"] for one in answer["votes"]] == ["ok"] * 4
        event = node.until("UpgradeRolledBack")
        assert event["block"] == answer["earliest"]
        shown = said("propose", "show", str(answer["proposal"]["id"]), *at)[1]
        assert f"takes effect at {event['block']:,}, " in proposal_text(shown, event["block"])
        entry = said("query", "upgrade.history", *at)[1]["rows"][-1]["value"]
        assert (entry["kind"], entry["root_after"]) == ("rolled_back", made.root)
        code, again = said("rollback", *at)
        assert (code, again["error"]["code"]) == (1, "no_open_window")


def test_only_proposing_leaves_the_vote_for_later_and_the_command_goes_on_where_it_was(
    said: Said, home: Path
) -> None:
    at = ("--home", str(home))
    with near(home):
        assert said("rollback", "--from", "validator-1", "--no-wait", *at)[1]["state"] == "waiting"
        assert said("transfer", "account-5", "1", "--from", "account-6", *at)[0] == 0
        proposed = said("propose", "list", *at)[1][0]
        assert proposed["proposal"]["content"]["name"] == "rollback"
        while proposed["standing"]["status"] == "delay":
            assert said("transfer", "account-5", "1", "--from", "account-6", *at)[0] == 0
            proposed = said("propose", "list", *at)[1][0]
        code, answer = said("rollback", *at)
        assert (code, answer["proposal"]["id"], answer["proposal"]["standing"]["tally"]["voters"]) == (
            0,
            proposed["id"],
            "4",
        )


def test_a_vote_that_does_not_open_in_time_is_an_error_of_this_machine(said: Said, home: Path) -> None:
    with near(home):
        code, late = said("rollback", "--timeout", "1", "--home", str(home))
        assert (code, late["error"]["code"]) == (3, "still_waiting")


def test_a_chain_without_an_open_window_has_nothing_to_roll_back(said: Said, live: Path) -> None:
    code, refused = said("rollback", "--home", str(live))
    assert (code, refused["error"]["code"]) == (1, "no_open_window")
