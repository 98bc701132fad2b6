"""Power lost at every change of the disk, disks that fail at every change, damaged files, checkpoints under load.

Each is a command as well, for campaigns as long as one likes: `python -m tests.faults.crash --help`.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from storage.home import Home
from tests.faults.crash.__main__ import main
from tests.faults.crash.campaign import crash_states, failing_disks, workspace
from tests.faults.crash.damage import KINDS, WAYS, Damager
from tests.faults.crash.disk import NAMES, STRICT, SYNCED
from tests.faults.crash.examining import STATE, WHAT, Tally
from tests.faults.crash.programs import played, recorded
from tests.faults.crash.recording import MARK, lay_out
from tests.faults.crash.shim import build, missing
from tests.faults.crash.subjects import EngineSubject
from tests.faults.crash.underload import checkpoints_under_load
from tests.faults.crash.worker import note, noted, stand_file
from tests.storage.small_home import new_home, open_whole

pytestmark = pytest.mark.faults

needs_shim = pytest.mark.skipif(bool(missing()), reason=missing())
STATES, FILES, CHECKPOINTS = 10_000, 600, 300
SEED = 1


@needs_shim
@pytest.mark.timeout(1200)
def test_every_state_that_a_crash_can_leave_of_an_upgrade_and_a_rollback_opens_right(tmp_path: Path) -> None:
    report = crash_states(STATES, SEED, 2, workspace(), tmp_path, lambda report: None)
    assert report.found == []
    assert report.sum("states") >= STATES
    assert min(report.sum(what) for what in ("crossed", "lived", "recoveries")) > 50


ROTATION = """
from storage.engine import Engine
from storage.home import Home
from storage.levelfiles import newest_log
from tests.storage.small_home import commit_up_to
home = Home(root)
engine = Engine.open(home.database, buffer_bytes=64 << 10)
commit, begun = 0, newest_log(home.database)
while newest_log(home.database) == begun:
    commit += 1
    commit_up_to(home, engine, commit, commit, size=200)
(root / "acknowledged").write_text(str(commit))
"""


@needs_shim
def test_a_log_that_leveldb_began_by_itself_has_its_name_on_disk_before_anything_in_it_counts(tmp_path: Path) -> None:
    new_home(tmp_path / "node")[1].close()
    disk = played(build(tmp_path), tmp_path / "node", ROTATION)
    acknowledged = int((tmp_path / "node" / "acknowledged").read_text())
    for loss in (NAMES, STRICT):
        lay_out(disk.after(loss), tmp_path / loss)
        assert open_whole(Home(tmp_path / loss))[0].commit == acknowledged


UNSYNCED_BEFORE_ROTATION = """
from itertools import count
from storage.engine import Engine
from storage.home import Home
from storage.levelfiles import newest_log
from tests.storage.small_home import commit_up_to
home = Home(root)
engine = Engine.open(home.database, buffer_bytes=64 << 10)
commit_up_to(home, engine, 1, 1)
begun = newest_log(home.database)
for number in count():
    if newest_log(home.database) != begun:
        break
    engine.write([(b"~%05d" % number, bytes(900))], sync=False)
commit_up_to(home, engine, 2, 2)
recorder.mark(2)
engine.close()
"""


@needs_shim
def test_unsynced_writes_in_a_log_that_leveldb_left_are_on_disk_before_a_later_commit_counts(tmp_path: Path) -> None:
    new_home(tmp_path / "node")[1].close()
    disk, events = recorded(build(tmp_path), tmp_path / "node", UNSYNCED_BEFORE_ROTATION)
    acknowledged = False
    for at, event in enumerate(events):
        changed = disk.play(event)
        acknowledged |= event.kind == MARK
        if acknowledged and (changed or event.kind == MARK):
            lay_out(disk.after(SYNCED), tmp_path / str(at))
            assert open_whole(Home(tmp_path / str(at)))[0].commit == 2
    assert acknowledged


@needs_shim
@pytest.mark.timeout(1200)
def test_a_disk_that_is_full_or_fails_at_any_change_loses_nothing_acknowledged(tmp_path: Path) -> None:
    report = failing_disks(SEED, workspace(), lambda report: None)
    assert report.found == []
    assert report.sum("typed") > 300
    assert report.sum("unharmed") >= 8, "each run was made until it met no failure"


def test_no_damaged_file_of_a_whole_chain_is_silent(tmp_path: Path) -> None:
    damager = Damager(SEED, tmp_path)
    assert [wrong for number in range(FILES) if (wrong := damager.damage(number))] == []
    assert all(damager.noticed[kind, way] for kind in KINDS for way in WAYS)
    assert damager.harmless.total() < FILES // 3


def test_checkpoints_under_write_load_all_open_and_are_equal(tmp_path: Path) -> None:
    assert checkpoints_under_load(CHECKPOINTS, tmp_path, lambda taken, wrong: None) == (CHECKPOINTS, [])


@needs_shim
def test_an_interrupted_campaign_goes_on_behind_the_last_subject_it_finished(tmp_path: Path) -> None:
    done = Tally(points=900, states=400, violations=1, found=["one of before"])
    note(stand_file(tmp_path, SEED, 0, 1), 4, done)
    report = crash_states(450, SEED, 1, workspace(), tmp_path, lambda report: None, resume=True)
    assert report.sum("states") == 450
    assert report.found == done.found
    assert noted(stand_file(tmp_path, SEED, 0, 1)) == (4, done), "the fifth subject was not finished"


def test_a_kept_violation_is_found_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    EngineSubject(SEED).begin(tmp_path / STATE)
    kept = {"kind": EngineSubject.kind, "seed": SEED, "promised": 5, "twin": {}}
    (tmp_path / WHAT).write_text(json.dumps(kept), encoding="utf-8")
    assert main(["open", str(tmp_path)]) == 1
    assert "it stands at 0, and 5 was acknowledged" in capsys.readouterr().out
    (tmp_path / WHAT).write_text(json.dumps({**kept, "promised": 0}), encoding="utf-8")
    assert main(["open", str(tmp_path)]) == 0
