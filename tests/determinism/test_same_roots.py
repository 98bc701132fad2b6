"""Same inputs, same roots, receipts and steps: whatever the run, the hash seed, the Python, the restarts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

BLOCKS = 60
ROOT = Path(__file__).resolve().parent.parent.parent


def told(folder: Path, *options: str, python: str = sys.executable, hash_seed: str = "0") -> dict[str, Any]:
    """What one process tells of the story."""
    return output(python, hash_seed, "same_story", str(folder), str(BLOCKS), *options)


def output(python: str, hash_seed: str, story: str, *arguments: str) -> dict[str, Any]:
    """The JSON that a story prints under an interpreter and a hash seed."""
    command = [python, "-m", f"tests.determinism.{story}", *arguments]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@cache
def plain() -> dict[str, Any]:
    """The story as an undisturbed process tells it."""
    with TemporaryDirectory() as scratch:
        return told(Path(scratch) / "chain")


def test_the_story_is_long_enough_to_flip_and_to_roll_back() -> None:
    assert plain()["kinds"] == ["executed", "rolled_back"]
    assert [row[0] for row in plain()["heights"]] == list(range(BLOCKS + 1))
    assert plain()["attested"]


def test_another_run_with_another_hash_seed_agrees(tmp_path: Path) -> None:
    assert told(tmp_path / "chain", hash_seed="4242") == plain()


def test_a_node_restarted_at_every_block_agrees(tmp_path: Path) -> None:
    assert told(tmp_path / "chain", "--restart") == plain()


def test_a_node_restored_from_checkpoints_agrees(tmp_path: Path) -> None:
    assert told(tmp_path / "chain", "--restore") == plain()


def test_spoiling_the_sources_of_the_genesis_bundle_changes_nothing(tmp_path: Path) -> None:
    copy = tmp_path / "core"
    shutil.copytree(ROOT / "runtime" / "core", copy)
    assert told(tmp_path / "chain", "--core", str(copy)) == plain()


def test_another_python_agrees_in_roots_receipts_and_steps(tmp_path: Path) -> None:
    assert told(tmp_path / "chain", python=other_python()) == plain()


def test_misbehaving_bundles_cost_the_same_steps_under_another_hash_seed(tmp_path: Path) -> None:
    assert output(sys.executable, "7", "hostile_story", str(tmp_path / "chain")) == hostile()


def test_misbehaving_bundles_cost_the_same_steps_on_another_python(tmp_path: Path) -> None:
    assert output(other_python(), "0", "hostile_story", str(tmp_path / "chain")) == hostile()


@cache
def hostile() -> dict[str, Any]:
    """What misbehaving calls come to in an undisturbed process."""
    with TemporaryDirectory() as scratch:
        return output(sys.executable, "0", "hostile_story", str(Path(scratch) / "chain"))


def other_python() -> str:
    """A second interpreter with the project installed; skips where there is none."""
    other = os.environ.get("SYNOD_OTHER_PYTHON", "")
    if not other:
        pytest.skip("SYNOD_OTHER_PYTHON names no second interpreter (3.11 beside 3.12)")
    return other
