"""`synod upgrade`: from a bundle to a verified upgrade in one command, or to why there is none."""

import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from node.genesis.generated import generated_genesis
from node.rehearsal.world import World
from node.settings import documentation
from runtime.bundle.archive import Bundle
from scripts.cli import synod
from scripts.command import STOPPED, outcome
from storage.home import Home
from tests.node.processes import ROOT, new_world, started
from tests.scenarios.hostile import with_trouble
from tests.scenarios.test_preset_upgrades import taken
from tests.scenarios.upgrades import example, running
from tests.scripts.conftest import Said, forget_environment
from tests.short_periods import GATED, SHORT

INTERVAL_MS = 20
PERIODS = {**SHORT, "voting_period": 100}
"""A vote is open for two seconds then, in which its four votes have to arrive."""
MANY = 30
"""Voters, more than a vote of SHORT has blocks."""


def home_of(tmp_path: Path, parameters: Mapping[str, int] = PERIODS) -> tuple[str, Bundle]:
    """A chain with short periods whose node does not run, and a bundle for it."""
    world = new_world(tmp_path / "home", parameters)
    bundle = example(world)
    world.close()
    return str(tmp_path / "home"), bundle


def written(tmp_path: Path, bundle: Bundle) -> str:
    """The bundle as an archive."""
    file = tmp_path / f"{bundle.code_hash.hex()[:8]}.tar"
    file.write_bytes(bundle.archive)
    return str(file)


@pytest.fixture(scope="module")
def after_failure(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[int, Any]]:
    """A stopped home whose only upgrade failed, and how the command that proposed it ended and what it said."""
    world = new_world(tmp_path_factory.mktemp("failed") / "home", PERIODS)
    bad = written(world.home.root.parent, with_trouble(running(world), "1.1.0", health="return False"))
    world.close()
    home, out = world.home.root, io.StringIO()
    with redirect_stdout(out), pytest.MonkeyPatch.context() as environment:
        forget_environment(environment)
        code = outcome(synod, ["upgrade", "--bundle", bad, "--home", str(home), "--fast-forward", "--json"], "synod")
    return home, (code, json.loads(out.getvalue()))


def test_an_upgrade_that_fails_its_health_names_its_incident(said: Said, after_failure: tuple[Path, Any]) -> None:
    home, (code, failed) = after_failure
    assert (code, failed["verdict"]) == (1, "failed"), failed
    assert said("incident", "show", failed["incident"], "--home", str(home))[0] == 0


def test_one_command_brings_a_bundle_through_probation_and_checks_after(
    said: Said, after_failure: tuple[Path, Any], tmp_path: Path
) -> None:
    home = str(after_failure[0])
    manifest = Home(after_failure[0]).manifest_file
    with started(after_failure[0], interval_ms=INTERVAL_MS) as node:
        node.serving()
        assert said("verify", "--home", home)[0] == 0
        before = manifest.read_text()
        bundle = tmp_path / "mine"
        assert said("bundle", "new", str(bundle))[0] == 0
        words = ("upgrade", "--bundle", str(bundle), "--home", home)
        assert said(*words, "--check-only", "--track", "emergency")[1]["error"]["code"] == "usage"
        code, ready = said(*words, "--check-only")
        assert (code, ready.get("passed")) == (0, True), ready
        checks = {one["check"]: one for one in ready["checks"]}
        assert checks["keys"]["passed"] is True and "100 % of power" in checks["keys"]["detail"]
        assert {"bundle", "module calls", "deposit", "disk", "backup", "invariants"} <= set(checks)
        assert len(said("propose", "list", "--home", home)[1]) == 1
        code, late = said(*words, "--within", "0")
        assert (code, late["error"]["code"]) == (3, "still_waiting")
        code, done = said(*words)
        assert (code, done["verdict"]) == (0, "passed"), done
        assert done["history"]["entry"]["kind"] == "verified" and done["checkpoint"]
        assert all(one["passed"] is not False for one in done["checks"])
        require_pause(done)
        code, again = said(*words)
        assert (code, again["proposal"]["id"]) == (0, done["proposal"]["id"])
        assert len(said("propose", "list", "--home", home)[1]) == 2
        manifest.write_text(before)
        code, found = said("verify", "--home", home)
        assert (code, [one["check"] for one in found["checks"] if one["passed"] is False]) == (1, ["manifest"])


def require_pause(done: dict[str, Any]) -> None:
    """The answer holds what the activation took on this machine, with its parts."""
    pause = done["pause"]
    assert pause["height"] == int(done["history"]["entry"]["activation"])
    parts = [pause[f"{part}_microseconds"] for part in ("checkpoint", "execution", "commit")]
    assert all(parts) and pause["microseconds"] == sum(parts)


def test_a_stopped_home_is_run_fast_with_every_vote_and_left_stopped(said: Said, tmp_path: Path) -> None:
    home = tmp_path / "home"
    genesis = generated_genesis(MANY, MANY, "many").model_copy(update={"parameters": GATED})
    world = World.create(home, genesis)
    bundle = example(world)
    world.close()
    Home(home).settings_file.write_text(documentation())
    words = ("upgrade", "--bundle", written(tmp_path, bundle), "--home", str(home), "--fast-forward")
    for more in (("--url", "http://127.0.0.1:1"), ("--no-wait",)):
        assert said(*words, *more)[1]["error"]["code"] == "usage"
    code, done = said(*words)
    assert (code, done.get("verdict")) == (0, "passed"), done
    assert int(done["proposal"]["standing"]["tally"]["voters"]) == MANY
    assert "rehearsals_cleared" in [step["reason"] for step in done["proposal"]["history"]]
    assert done["proposal"]["rehearsals"]["postponed"] == 0
    require_pause(done)
    assert said("status", "--home", str(home))[1]["running"] is False


def test_an_upgrade_waits_for_a_place_and_is_seen_through_both_its_votes(said: Said, tmp_path: Path) -> None:
    home, genesis = tmp_path / "home", taken(4_000)
    world = World.create(home, genesis)
    bundle = example(world)
    world.close()
    Home(home).settings_file.write_text(documentation())
    words = ("upgrade", "--bundle", written(tmp_path, bundle), "--home", str(home), "--fast-forward")
    code, done = said(*words, "--within", "60")
    assert (code, done.get("verdict")) == (0, "passed"), done
    assert done["proposal"]["proposal"]["track"]["name"] == "promotion"
    assert int(done["proposal"]["standing"]["tally"]["voters"]) == len(genesis.validators)


def test_interrupted_it_stops_the_node_that_it_ran(said: Said, tmp_path: Path) -> None:
    home, _ = home_of(tmp_path)
    bundle = tmp_path / "bundle.tar"
    os.mkfifo(bundle)  # it waits there to be told the bundle, with its node running
    words = ["upgrade", "--bundle", str(bundle), "--home", home, "--fast-forward"]
    process = subprocess.Popen([sys.executable, "-m", "scripts.cli", *words], cwd=ROOT, stderr=subprocess.PIPE)
    with bundle.open("wb"):
        assert said("status", "--home", home)[1]["running"] is True
        process.send_signal(signal.SIGINT)
        assert (process.communicate()[1], process.returncode) == (f"\ninterrupted: {STOPPED}\n".encode(), 130)
    assert said("status", "--home", home)[1]["running"] is False
    Home(Path(home)).lock().close()


def test_what_stopped_the_node_is_said_where_it_ran_for_the_command(said: Said, tmp_path: Path) -> None:
    home, bundle = home_of(tmp_path)
    Home(Path(home)).head_file.unlink()
    code, failed = said("upgrade", "--bundle", written(tmp_path, bundle), "--home", home, "--fast-forward")
    assert (code, failed["error"]["code"]) == (3, "head_missing")


def test_votes_that_cannot_pass_it_are_told_before_and_its_rejection_after(
    said: Said, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    home, bundle = home_of(tmp_path, {**SHORT, "resubmission_cooldown": 3})
    with started(Path(home), interval_ms=INTERVAL_MS) as node:
        url = node.serving()
        other = tmp_path / "other"
        code, alice = said("keys", "create", "alice", "--plain", "--home", str(other))
        assert code == 0
        words = ("upgrade", "--bundle", written(tmp_path, bundle), "--home", str(other), "--url", url, "--plain")
        code, ready = said(*words, "--check-only")
        checks = {one["check"]: one for one in ready["checks"]}
        assert code == 1 and checks["deposit"]["passed"] is False
        assert checks["keys"]["passed"] is None and "CANNOT PASS IT ALONE" in checks["keys"]["detail"]
        assert said("transfer", alice["address"], "5000", "--from", "account-9", "--home", home)[0] == 0
        code, ended = said(*words)
        assert (code, ended.get("verdict")) == (1, "rejected"), ended
        assert ended["proposal"]["standing"]["reason"] == "too_few_voters"
        node.until_height(int(ended["proposal"]["standing"]["ended"]) + 3)
        assert outcome(synod, list(words), "synod") == 1
        lines = capsys.readouterr().out.splitlines()
        again, advice, then = (re.split(" {2,}", line, maxsplit=1)[1] for line in lines)
        number, height = re.findall("[0-9]+", again)[:2]
        assert again.startswith(f"proposal {number} is rejected (too_few_voters)")
        assert then.startswith(f"from height {int(height) + 3} on")
        assert said(*advice.partition(":")[0].split()[1:], "--url", url)[0] == 0
