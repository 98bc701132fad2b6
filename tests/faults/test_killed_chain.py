"""SIGKILL at any moment, a hundred times; `python -m tests.faults.crash kills` does it as often as one likes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.crash.kills import killed

KILLS = 100


@pytest.mark.timeout(400)
def test_a_chain_killed_a_hundred_times_has_the_roots_of_its_unkilled_twin(tmp_path: Path) -> None:
    done = killed(KILLS, 20190422, tmp_path, lambda kill, wrong: None)
    assert done.found == ()
    assert done.heights > KILLS // 4, "the kills hit too few different heights"
    assert done.kinds == ("executed", "rolled_back"), "the story was not long enough"
