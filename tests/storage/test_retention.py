"""The newest checkpoints stay, and those that something depends on; each verdict says why."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from storage.checkpoint import Checkpoint, create, list_checkpoints
from storage.home import Home
from storage.restore import verify
from storage.retention import judge, prune, remove
from tests.storage.small_home import commit_up_to, head_of, new_home


def home_with(root: Path, heights: int) -> Home:
    home, engine = new_home(root)
    for height in range(1, heights + 1):
        commit_up_to(home, engine, height, height)
        create(home, "test")
    engine.close()
    return home


def test_one_checkpoint_is_removed_and_the_others_stay(tmp_path: Path) -> None:
    home = home_with(tmp_path / "node", 3)
    first, second, third = list_checkpoints(home)
    remove(home, second)
    assert list_checkpoints(home) == (first, third)
    assert sorted(entry.name for entry in home.checkpoints.iterdir()) == [first.name, third.name]


def test_the_newest_and_the_pinned_stay_and_still_open(tmp_path: Path) -> None:
    home = home_with(tmp_path / "node", 6)
    verdicts = prune(home, 2, {2: "rollback window of plan 7"})
    assert [(each.checkpoint.height, each.keep, each.why) for each in verdicts] == [
        (1, False, "older than the newest 2, and nothing depends on it"),
        (2, True, "rollback window of plan 7"),
        (3, False, "older than the newest 2, and nothing depends on it"),
        (4, False, "older than the newest 2, and nothing depends on it"),
        (5, True, "one of the newest 2"),
        (6, True, "one of the newest 2"),
    ]
    assert [each.height for each in list_checkpoints(home)] == [2, 5, 6]
    assert sorted(entry.name for entry in home.checkpoints.iterdir()) == [each.name for each in list_checkpoints(home)]
    for checkpoint in list_checkpoints(home):
        assert verify(checkpoint, tmp_path / "scratch") == checkpoint.head


def test_a_dry_run_says_the_same_and_removes_nothing(tmp_path: Path) -> None:
    home = home_with(tmp_path / "node", 3)
    said = prune(home, 1, {}, dry_run=True)
    assert [each.height for each in list_checkpoints(home)] == [1, 2, 3]
    assert prune(home, 1, {}) == said
    assert [each.height for each in list_checkpoints(home)] == [3]


def test_a_home_without_checkpoints_has_nothing_to_remove(tmp_path: Path) -> None:
    assert prune(Home.create(tmp_path / "node"), 0, {}) == ()


@given(heights=st.lists(st.integers(1, 50), unique=True), keep=st.integers(0, 60), pins=st.sets(st.integers(1, 50)))
def test_exactly_the_newest_and_the_pinned_are_kept(heights: list[int], keep: int, pins: set[int]) -> None:
    checkpoints = [Checkpoint(Path(f"{height:012}"), head_of(height), "", "", 0, 0) for height in heights]
    kept = {
        each.checkpoint.height for each in judge(checkpoints, keep, dict.fromkeys(sorted(pins), "pinned")) if each.keep
    }
    assert kept == set(sorted(heights, reverse=True)[:keep]) | (pins & set(heights))
