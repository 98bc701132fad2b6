"""A whole state killed, damaged, restored or out of space: right heights and right roots, or a typed error."""

import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from storage.checkpoint import list_checkpoints
from storage.errors import StoreFault
from storage.home import Home
from storage.levelfiles import log_paths, read_files, table_path
from storage.overlay import Overlay
from storage.restore import restore
from storage.state import State
from tests.storage.small_state import ALL_TABLES, PURSES, coins_of, new_state, purse

pytestmark = pytest.mark.faults

LAST = 60


def write_block(overlay: Overlay, height: int) -> None:
    """What every run writes at a height."""
    for number in range(50):
        owner = (height * 97 + number * 13) % 700
        overlay.put(PURSES, (owner,), purse(height * 1000 + number, "n" * (number % 30)))
    overlay.delete(PURSES, (height * 31 % 700,))


def go_on(state: State, last: int, durable: bool = True) -> None:
    for height in range(state.height + 1, last + 1):
        overlay = state.overlay()
        write_block(overlay, height)
        state.commit(state.prepare(overlay), height, durable=durable)


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> dict[int, tuple[bytes, dict[int, int]]]:
    """Root and purses at each height, from a run without faults."""
    state = new_state(tmp_path_factory.mktemp("truth") / "node")
    found = {0: (state.head.app_root, coins_of(state.overlay()))}
    for height in range(1, 400):
        go_on(state, height, durable=False)
        found[height] = (state.head.app_root, coins_of(state.overlay()))
    state.close()
    return found


Truth = dict[int, tuple[bytes, dict[int, int]]]


def opened_height(home: Home, truth: Truth) -> int:
    """Open, compare everything with the truth of the height found, close."""
    state = State.open(home, ALL_TABLES)
    try:
        assert truth[state.height] == (state.head.app_root, coins_of(state.overlay()))
        return state.height
    finally:
        state.close()


NODE = """
import sys
from pathlib import Path
from storage.home import Home
from storage.state import State
from tests.faults.test_state_under_faults import write_block
from tests.storage.small_state import ALL_TABLES
home = Home.open(Path(sys.argv[1]))
lock = home.lock()
state = State.open(home, ALL_TABLES)
while True:
    overlay = state.overlay()
    write_block(overlay, state.height + 1)
    state.commit(state.prepare(overlay), state.height + 1, durable=state.height % 3 == 0)
    print(state.durable_height, flush=True)
"""


def test_a_node_killed_at_any_moment_goes_on_where_it_was(tmp_path: Path, truth: Truth) -> None:
    state = new_state(tmp_path / "node")
    state.close()
    home, chance, height = Home(tmp_path / "node"), random.Random(3), 0
    for _ in range(10):
        acknowledged = run_and_kill(home, chance.randrange(1, 25), chance.random() / 200)
        assert acknowledged >= height
        height = opened_height(home, truth)
        assert acknowledged <= height <= acknowledged + 3
    assert height > 20


def run_and_kill(home: Home, blocks: int, patience: float) -> int:
    with subprocess.Popen([sys.executable, "-c", NODE, str(home.root)], stdout=subprocess.PIPE, text=True) as node:
        assert node.stdout is not None
        lines = [node.stdout.readline() for _ in range(blocks)]
        try:
            node.wait(patience)
        except subprocess.TimeoutExpired:
            node.send_signal(signal.SIGKILL)
        return int([*lines, *node.stdout.read().splitlines()][-1])


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A closed home at LAST with rows in sorted files and in the log."""
    root = tmp_path_factory.mktemp("pattern") / "node"
    state = new_state(root)
    go_on(state, LAST // 2)
    overlay = state.overlay()
    write_block(overlay, state.height + 1)
    state.commit(state.prepare(overlay), state.height + 1, barrier=True)
    go_on(state, LAST)
    state.close()
    return Home(root)


@pytest.mark.parametrize("way", ["cut", "zero", "flip", "delete"])
@pytest.mark.parametrize("kind", ["log", "table", "manifest", "current", "head"])
def test_a_damaged_file_is_an_error_or_changes_nothing(
    pattern: Home, tmp_path: Path, truth: Truth, kind: str, way: str
) -> None:
    for part in (0.0, 0.2, 0.5, 0.8, 0.999):
        home = Home(tmp_path / f"{part}")
        shutil.copytree(pattern.root, home.root)
        changed = damage(victim(home, kind), way, part)
        try:
            assert opened_height(home, truth) == LAST
        except StoreFault as fault:
            assert "restore" in str(fault)
        else:
            assert kind in ("table", "head") or not changed, part
            assert way != "delete"


def victim(home: Home, kind: str) -> Path:
    files = read_files(home.database)
    tables = [table_path(home.database, number) for number, _ in files.version.tables]
    return {
        "log": log_paths(home.database)[-1],
        "table": max(tables, key=lambda table: table.stat().st_size),
        "manifest": home.database / files.manifest,
        "current": home.database / "CURRENT",
        "head": home.head_file,
    }[kind]


def damage(path: Path, way: str, part: float) -> bool:
    """Whether a byte differs afterwards; zeros may have been there before."""
    raw = bytearray(path.read_bytes())
    before = bytes(raw)
    at = int(len(raw) * part)
    if way == "cut":
        raw = raw[:at]
    elif way == "zero":
        raw[at : at + 4096] = bytes(len(raw[at : at + 4096]))
    elif way == "flip":
        raw[at] ^= 1
    path.unlink()
    if way != "delete":
        path.write_bytes(raw)
    return raw != before


def test_a_restored_state_makes_the_same_blocks_again(tmp_path: Path, truth: Truth) -> None:
    state = new_state(tmp_path / "node")
    go_on(state, 20)
    state.checkpoint("test")
    go_on(state, 50)
    state.close()
    home = Home(tmp_path / "node")
    assert restore(list_checkpoints(home)[0], home).height == 20
    assert opened_height(home, truth) == 20
    state = State.open(home, ALL_TABLES)
    go_on(state, 50)
    assert state.head.app_root == truth[50][0]
    state.close()


def test_a_state_without_space_stops_and_keeps_what_it_had(tmp_path: Path, truth: Truth) -> None:
    state = new_state(tmp_path / "node")
    go_on(state, 10)
    kept = state.head
    state.close()
    run = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "node")], capture_output=True, text=True, check=True
    )
    reached = int(run.stdout)
    assert reached > kept.height
    assert opened_height(Home(tmp_path / "node"), truth) in (reached, reached + 1)


LIMITED = """
import resource, sys
from pathlib import Path
from storage.errors import DiskFull, EngineStopped
from storage.home import Home
from storage.state import State
from tests.faults.test_state_under_faults import go_on
from tests.storage.small_state import ALL_TABLES
state = State.open(Home.open(Path(sys.argv[1])), ALL_TABLES)
resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))
for expected in (DiskFull, EngineStopped):
    try:
        go_on(state, 390)
        sys.exit("the limit was not met")
    except expected:
        pass
print(state.height)
"""
