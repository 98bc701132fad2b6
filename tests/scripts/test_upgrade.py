"""`synod upgrade`: from a bundle to a verified upgrade in one command, or to why there is none."""

from pathlib import Path

from runtime.bundle.archive import Bundle
from tests.node.processes import new_world, started
from tests.scenarios.hostile import with_trouble
from tests.scenarios.upgrades import example, running
from tests.scripts.conftest import Said

INTERVAL_MS = 100
"""A vote is open for two seconds then, in which its four votes have to arrive."""


def home_of(tmp_path: Path) -> tuple[str, Bundle]:
    """A chain with short periods whose node does not run, and a bundle for it."""
    world = new_world(tmp_path / "home")
    bundle = example(world)
    world.close()
    return str(tmp_path / "home"), bundle


def written(tmp_path: Path, bundle: Bundle) -> str:
    """The bundle as an archive."""
    file = tmp_path / f"{bundle.code_hash.hex()[:8]}.tar"
    file.write_bytes(bundle.archive)
    return str(file)


def test_one_command_brings_a_bundle_through_probation_and_checks_after(said: Said, tmp_path: Path) -> None:
    home, bundle = home_of(tmp_path)
    words = ("upgrade", "--bundle", written(tmp_path, bundle), "--home", home)
    with started(Path(home), interval_ms=INTERVAL_MS) as node:
        node.serving()
        code, ready = said(*words, "--check-only")
        assert (code, ready.get("passed")) == (0, True), ready
        checks = {one["check"]: one for one in ready["checks"]}
        assert checks["keys"]["passed"] is True and "100 % of power" in checks["keys"]["detail"]
        assert {"bundle", "module calls", "deposit", "disk", "backup", "invariants"} <= set(checks)
        assert said("propose", "list", "--home", home)[1] == []
        code, done = said(*words)
        assert (code, done["verdict"]) == (0, "passed"), done
        assert done["history"]["entry"]["kind"] == "verified" and done["checkpoint"]
        assert all(one["passed"] is not False for one in done["checks"])
        code, again = said(*words)
        assert (code, again["proposal"]["id"]) == (0, done["proposal"]["id"])
        assert len(said("propose", "list", "--home", home)[1]) == 1


def test_an_upgrade_that_fails_its_health_names_its_incident(said: Said, tmp_path: Path) -> None:
    world = new_world(tmp_path / "home")
    bad = with_trouble(running(world), "1.1.0", health="return False")
    world.close()
    home = str(world.home.root)
    with started(Path(home), interval_ms=INTERVAL_MS) as node:
        node.serving()
        code, failed = said("upgrade", "--bundle", written(tmp_path, bad), "--home", home)
        assert (code, failed["verdict"]) == (1, "failed"), failed
        assert said("incident", "show", failed["incident"], "--home", home)[0] == 0
        assert said("verify", "--home", home)[0] == 0


def test_an_open_proposal_is_gone_on_with_and_the_time_may_be_up(said: Said, tmp_path: Path) -> None:
    home, bundle = home_of(tmp_path)
    words = ("upgrade", "--bundle", written(tmp_path, bundle), "--home", home, "--within", "0")
    with started(Path(home), "--blocks", "demand") as node:
        node.serving()
        code, late = said(*words)
        assert (code, late["error"]["code"]) == (3, "still_waiting")
        assert said(*words)[0] == 3
        assert len(said("propose", "list", "--home", home)[1]) == 1


def test_a_stopped_home_is_run_fast_and_left_stopped(said: Said, tmp_path: Path) -> None:
    home, bundle = home_of(tmp_path)
    words = ("upgrade", "--bundle", written(tmp_path, bundle), "--home", home, "--fast-forward")
    code, done = said(*words)
    assert (code, done.get("verdict")) == (0, "passed"), done
    assert said("status", "--home", home)[1]["running"] is False


def test_votes_that_cannot_pass_it_are_told_before_anything_is_proposed(said: Said, tmp_path: Path) -> None:
    home, bundle = home_of(tmp_path)
    with started(Path(home), "--blocks", "demand") as node:
        url = node.serving()
        other = tmp_path / "other"
        assert said("keys", "create", "alice", "--plain", "--home", str(other))[0] == 0
        words = ("upgrade", "--bundle", written(tmp_path, bundle), "--home", str(other), "--url", url, "--plain")
        code, ready = said(*words, "--check-only")
        checks = {one["check"]: one for one in ready["checks"]}
        assert code == 1 and checks["deposit"]["passed"] is False
        assert checks["keys"]["passed"] is None and "CANNOT PASS IT ALONE" in checks["keys"]["detail"]
