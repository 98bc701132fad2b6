"""Bundles by their names on chain: from a stopped home's state, and from a running node by HTTP, the same bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from node.rehearsal import upgrade
from scripts.client import url_of
from storage.home import Home
from tests.node.processes import new_world
from tests.scenarios.upgrades import example, running
from tests.scripts.conftest import Said, near


@pytest.fixture(scope="module")
def proposing(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A home with one proposed upgrade and one other proposal; the code hashes that run and are proposed."""
    world = new_world(tmp_path_factory.mktemp("proposing") / "home")
    bundle = example(world)
    assert upgrade.propose(world, bundle, "Rewrite").proposal == 1
    hashes = running(world).code_hash.hex(), bundle.code_hash.hex()
    world.close()
    return world.home.root, *hashes


def test_a_proposal_is_compared_with_what_runs_from_the_bytes_on_chain(
    said: Said, proposing: tuple[Path, str, str]
) -> None:
    home, before, after = proposing
    at = ("--home", str(home))
    code, stopped = said("bundle", "diff", "running", "1", *at)
    assert (code, stopped["old"], stopped["new"], stopped["refused"]) == (0, before, after, [])
    assert stopped["to_version"] == "2.0.0"
    assert {one["file"]: one["state"] for one in stopped["files"]}["guestbook.py"] == "added"
    with near(home):
        url = url_of(home)
        assert said("bundle", "diff", before, after, *at) == (0, stopped)
        assert said("bundle", "diff", "running", "1", "--url", url) == (0, stopped)
        assert said("bundle", "diff", "1", *at) == (0, stopped), "what runs is the other one"
        code, checked = said("bundle", "check", "running", "1", "--read-only", *at)
        assert (code, checked["code_hash"], checked["effect"]["digest"]) == (0, after, stopped["digest"])
        assert said("bundle", "diff", "running", "2", *at)[1]["error"]["code"] == "no_such_proposal"
        code, refused = said("bundle", "diff", "running", "0" * 64, *at)
        assert (code, refused["error"]["code"]) == (1, "bundle_not_on_chain")


@pytest.mark.parametrize("name", ["2", "0" * 64])
def test_a_stopped_home_says_what_it_does_not_hold(said: Said, proposing: tuple[Path, str, str], name: str) -> None:
    code, refused = said("bundle", "diff", "running", name, "--home", str(proposing[0]))
    assert (code, refused["error"]["code"]) == (1, "bundle_not_on_chain")


def test_a_home_that_is_none_is_wrong_usage(said: Said, tmp_path: Path) -> None:
    assert said("bundle", "diff", "running", "1", "--home", str(tmp_path))[0] == 2
    with Home.create(tmp_path / "home").lock():
        code, refused = said("bundle", "diff", "running", "1", "--home", str(tmp_path / "home"))
    assert (code, refused["error"]["code"]) == (3, "store_locked")
