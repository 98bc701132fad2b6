"""People who wait for a database to be read hear how far that is."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage import checkpoint, restore
from storage.engine import Engine
from storage.errors import EngineStopped
from storage.home import Home
from storage.readprogress import EVERY_ROWS
from storage.state import State
from storage.tables import host_table
from storage.verifying import verify_roots
from tests.storage.small_state import Purse

PURSES = host_table("host.purses", Purse, ("amount",), ("number",))
ROWS = 5 * EVERY_ROWS + 7


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose rows lie in sorted files."""
    home = Home.create(tmp_path_factory.mktemp("read") / "home")
    state = State.create(home, (PURSES,))
    overlay = state.overlay()
    for number in range(ROWS):
        overlay.put(PURSES, (number,), Purse(coins=number))
    state.commit(state.prepare(overlay), 1)
    state.settle()
    state.close()
    return home


class Heard:
    """What was told."""

    def __init__(self) -> None:
        self.words: list[tuple[int, int]] = []

    def __call__(self, done: int, whole: int) -> None:
        self.words.append((done, whole))

    def require_a_steady_way(self, least: int) -> None:
        """At least so many words, each further than the one before and none past the end."""
        parts = [done for done, _ in self.words]
        assert len(parts) >= least and parts == sorted(parts) and parts[0] < parts[-1]
        (whole,) = {whole for _, whole in self.words}
        assert 0 < parts[-1] <= whole and parts[-1] > whole // 2


def test_a_start_tells_how_far_it_has_read(home: Home) -> None:
    heard = Heard()
    State.open(home, (PURSES,), told=heard).close()
    heard.require_a_steady_way(5)


def test_checks_and_restores_of_a_checkpoint_tell_how_far_they_are(home: Home, tmp_path: Path) -> None:
    engine = Engine.open(home.database)
    made = checkpoint.create(home, "test", engine)
    engine.close()
    reading, checking, restoring = Heard(), Heard(), Heard()
    restore.verify(made, tmp_path / "verifying", reading)
    verify_roots(made, tmp_path / "roots", checking)
    restore.restore(made, home, told=restoring)
    for heard in (reading, restoring):
        heard.require_a_steady_way(5)
    checking.require_a_steady_way(10)


def test_of_rows_in_a_log_alone_nothing_is_told(tmp_path: Path) -> None:
    home, heard = Home.create(tmp_path / "home"), Heard()
    State.create(home, (PURSES,)).close()
    State.open(home, (PURSES,), told=heard).close()
    assert heard.words == []


def test_a_stopped_engine_tells_no_sizes(tmp_path: Path) -> None:
    engine = Engine.create(tmp_path / "database")
    engine.close()
    with pytest.raises(EngineStopped):
        engine.bytes_between(b"", b"\xff")
