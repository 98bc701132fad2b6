"""The command that proves the laws of governance for longer, and the table of what proves which."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis.stateful import RuleBasedStateMachine, rule

from tests.governance import laws

ROOT = Path(__file__).parents[2]


class Lawless(RuleBasedStateMachine):
    """A machine whose second step breaks a law."""

    steps = 0

    @rule()
    def go_on(self) -> None:
        self.steps += 1
        assert self.steps < 2, "no more than one step"


def command(*given: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "tests.governance.laws", *given]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)


def test_every_check_that_the_table_of_laws_names_is_one_of_its_machine() -> None:
    table = [line for line in (laws.__doc__ or "").splitlines() if line.startswith("| ")][1:]
    assert len(table) == 14
    for line in table:
        checks = re.findall(r"`(\w+)`", line)
        assert checks
        for name in checks:
            assert any(hasattr(machine, name) for machine in laws.MACHINES.values()), name


def test_a_part_of_the_runs_tells_what_broke_a_law_and_how(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(laws.MACHINES, "lawless", Lawless)
    told = laws.prove(laws.Part("lawless", first=0, runs=20, steps=5, seed=1))
    assert "no more than one step" in told
    assert told.count("state.go_on()") == 2, "the shortest way"


def test_runs_are_made_in_parts_that_going_on_makes_alike() -> None:
    whole = list(laws.parts("lives", 0, 500, 100, 7))
    assert [part.runs for part in whole] == [200, 200, 100]
    assert list(laws.parts("lives", 200, 500, 100, 7)) == whole[1:]
    assert len({part.seed for part in whole}) == 3


def test_the_command_proves_what_it_is_asked_to_and_says_how_far_it_is() -> None:
    done = command("counting", "--examples", "3", "--steps", "4", "--workers", "1", "--json")
    assert done.returncode == 0, done.stderr
    assert {**json.loads(done.stdout), "seconds": 0} == {"machine": "counting", "runs": 3, "steps": 4, "seconds": 0}
    assert "counting: 3 of 3 runs keep the laws" in done.stderr


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["counted"], "there is no machine counted"),
        (["lives", "--from", "100"], "multiple of 200"),
        (["--from", "200"], "name it"),
        (["lives", "--steps", "0"], "at least 1"),
    ],
)
def test_what_the_command_cannot_do_it_refuses(
    given: list[str], told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["laws", *given])
    with pytest.raises(SystemExit):
        laws.asked()
    assert told in capsys.readouterr().err
