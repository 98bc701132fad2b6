"""Steps, codes and lines are the same on every Python that runs a node."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.metering.corpus import FUNCTIONS, main

ROOT = Path(__file__).resolve().parents[3]
MUTANTS = 800
NEEDED = "import msgspec, plyvel, sys; print(sys.version_info[1])"


@pytest.fixture(scope="module")
def here() -> Any:
    return json.loads(json.dumps(main(MUTANTS)))


def elsewhere(python: str, seed: str = "0") -> Any:
    command = [python, "-m", "tests.runtime.metering.corpus", str(MUTANTS)]
    env = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def other_python() -> str | None:
    """An interpreter of the other supported version that has what a node needs."""
    other = "python3.12" if sys.version_info[:2] == (3, 11) else "python3.11"
    for candidate in (os.environ.get("SYNOD_OTHER_PYTHON"), shutil.which(other)):
        if candidate is None:
            continue
        told = subprocess.run([candidate, "-c", NEEDED], capture_output=True, check=False)
        if told.returncode == 0 and int(told.stdout) != sys.version_info[1]:
            return candidate
    return None


def test_the_corpus_ends_in_many_ways(here: Any) -> None:
    """Otherwise the comparison below would compare little."""
    ends = Counter(verdict[0] for verdict in here["programs"].values())
    codes = {"refused", "no program", "wrong_type", "value_too_large", "out_of_steps", "too_deep", "division_by_zero"}
    assert codes <= set(ends)
    assert sum(count for end, count in ends.items() if end not in ("refused", "no program")) > MUTANTS // 2
    sound = [here["programs"][f"{name}(5, 3)"] for name in FUNCTIONS]
    assert all(len(verdict) == 3 for verdict in sound)


@pytest.mark.determinism
def test_another_hash_seed_changes_nothing(here: Any) -> None:
    assert elsewhere(sys.executable, seed="4242") == here


@pytest.mark.determinism
def test_another_python_gives_the_same_verdicts_steps_and_lines(here: Any) -> None:
    python = other_python()
    if python is None:
        pytest.skip("no second Python with the node's libraries: name one in SYNOD_OTHER_PYTHON")
    assert elsewhere(python) == here
