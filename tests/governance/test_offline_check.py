"""`synod bundle check OLD NEW` says offline what submission would say, with the file, the line and the reason."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from runtime.bundle.archive import Bundle
from scripts.bundle import command_line
from scripts.command import outcome
from tests.governance.world import (
    World,
    breaking_bundle,
    changed_bundle,
    core_bundle,
    minor_bundle,
    person,
    without_faucet,
)

MANIFEST = "bundle.toml"
FIRST = person(1)


def of_manifest(old: str, new: str, version: str = "1.1.0") -> Bundle:
    return changed_bundle({MANIFEST: ((old, new),)}, version)


def breaking_as(version: str) -> Bundle:
    """The breaking upgrade of the tests under another version."""
    content = dict(breaking_bundle().files)
    faucet = (dict(core_bundle().files)["faucet.py"].decode(), content["faucet.py"].decode())
    return changed_bundle({"faucet.py": (faucet,)}, version)


CASES: Mapping[str, tuple[Bundle, str, str]] = {
    "sound": (minor_bundle(), "ok", ""),
    "the running one": (core_bundle(), "already_running", MANIFEST),
    "not newer": (changed_bundle({}, "0.9.0"), "not_newer", MANIFEST),
    "two majors on": (changed_bundle({}, "3.0.0"), "skipped_major", MANIFEST),
    "another chain": (of_manifest('chain = "synod-test"', 'chain = "kusama"'), "wrong_chain", MANIFEST),
    "breaking as a minor": (breaking_as("1.1.0"), "breaking_without_major", MANIFEST),
    "a note too few": (breaking_as("2.0.0"), "notes_incomplete", MANIFEST),
    "breaking and told": (without_faucet(), "ok", ""),
    "a field that nothing fills anew": (
        changed_bundle(
            {
                "bank.py": (("end: Amount = field(4)", "end: Amount = field(5)"),),
                MANIFEST: (("genesis runtime:", "genesis runtime (bank.vestings.end):"),),
            },
            "2.0.0",
        ),
        "missing_migration",
        "bank.py",
    ),
    "a call it does not say it uses": (
        of_manifest('uses = ["bank.take", "bank.give"]', 'uses = ["bank.take"]'), "undeclared_use", "staking.py"
    ),
    "modules out of order": (
        of_manifest('source = "bank.py"\n', 'source = "bank.py"\nneeds = ["faucet"]\n'),
        "dependency_order",
        MANIFEST,
    ),
    "a body beyond the allow-list": (
        changed_bundle({"bank.py": (("coins == 0", "coins.__class__ == 0"),)}, "1.1.0"), "underscore", "bank.py"
    ),
}  # fmt: skip


def checked(bundle: Bundle, folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[bool, Any]:
    """What the check says of a bundle beside the genesis bundle."""
    (folder / "old.tar").write_bytes(core_bundle().archive)
    (folder / "new.tar").write_bytes(bundle.archive)
    words = ["check", str(folder / "old.tar"), str(folder / "new.tar"), "--read-only", "--json"]
    passed = outcome(command_line, words, "synod bundle") == 0
    return passed, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("name", CASES)
def test_the_check_and_the_chain_give_the_same_answer(
    name: str, world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle, code, file = CASES[name]
    passed, said = checked(bundle, tmp_path, capsys)
    problems = [] if passed else said["error"]["problems"]
    told = (problems[0]["code"], problems[0]["file"]) if problems else ("ok", "")
    assert told == (code, file), problems
    assert all(one["message"] and (one["line"] or one["file"] == MANIFEST) for one in problems)
    if bundle is not core_bundle():
        world.publish(FIRST, bundle)
    content = world.upgrade(bundle) if passed else world.upgrade(minor_bundle(), code_hash=bundle.code_hash)
    assert world.propose(FIRST, content) == code
    if passed:
        assert said["effect"]["digest"] == content.effect.hex()


def test_the_check_alone_asks_whether_this_machine_s_release_will_do(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = of_manifest('host = "0.1.0"', 'host = "9.0.0"')
    passed, said = checked(bundle, tmp_path, capsys)
    assert (passed, [one["code"] for one in said["error"]["problems"]]) == (False, ["host_too_old"])
    world.publish(FIRST, bundle)
    content = world.upgrade(changed_bundle({}, "1.1.0"), code_hash=bundle.code_hash)
    assert world.propose(FIRST, content) == "ok", "nodes of several releases judge it alike"
