"""What the project promises about itself: packages, lock, layers, parts."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts import checks
from storage.home import RELEASE

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("storage", "runtime", "governance", "node", "scripts")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = (ROOT / "requirements.lock").read_text()
BENCHMARKS = "benchmarks"


def sources(*rooms: str) -> Iterator[Path]:
    for room in rooms:
        yield from sorted((ROOT / room).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """Every module that a file names in an import, absolute ones whole."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_every_package_is_installed_and_nothing_under_a_users_name() -> None:
    found = {
        str(path.parent.relative_to(ROOT)).replace(os.sep, ".")
        for room in ROOMS
        for path in (ROOT / room).rglob("__init__.py")
    }
    installed = set(PROJECT["tool"]["setuptools"]["packages"])
    assert installed == {name.replace("scripts", "synod_scripts") for name in found}
    assert not installed & {"scripts", "tests"}


def test_nothing_imports_the_sources_of_the_genesis_bundle() -> None:
    for path in sources(*ROOMS):
        assert not any(name.startswith("runtime.core") for name in imported(path)), path


def test_scripts_reach_each_other_by_relative_imports_only() -> None:
    for path in sources("scripts"):
        assert not any(name.split(".")[0] in ("scripts", "synod_scripts") for name in imported(path)), path


def test_set_up_needs_nothing_installed() -> None:
    code = "import sys; import scripts.setup; print([n for n in sys.modules if n.split('.')[0] in sys.argv[1:]])"
    names = re.findall(r"^([a-z0-9-]+)==", LOCK, re.MULTILINE)
    answer = subprocess.run(
        [sys.executable, "-S", "-c", code, *names, "storage", "runtime", "node"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
    )
    assert answer.stdout.strip() == "[]"


def test_the_release_is_the_same_wherever_it_stands() -> None:
    assert PROJECT["project"]["version"] == RELEASE


def test_the_lock_pins_every_dependency_by_hash_and_names_no_host() -> None:
    pinned = re.findall(r"^([a-z0-9._-]+)==", LOCK, re.MULTILINE)
    wanted = [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["dev"]]
    assert {re.split(r"[<>=!~ ;\[]", text)[0].lower() for text in wanted} <= set(pinned)
    hashed = re.findall(r"^[a-z0-9._-]+==[^\n]*\\\n    --hash=sha256:[0-9a-f]{64}", LOCK, re.MULTILINE)
    assert len(pinned) == len(hashed)
    for name in ("requirements.lock", "requirements-uv.lock"):
        text = (ROOT / name).read_text()
        assert "://" not in text
        assert not re.search(r"\.(org|com|net|io)\b", text)


def test_every_dependency_says_why_it_is_there() -> None:
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    named = [line for line in lines if re.match(r'    "[A-Za-z0-9-]+[<>=]', line)]
    wanted = PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["dev"]
    assert len(named) == len(wanted)
    assert all(re.search(r"# \w+", line) for line in named)


def test_every_folder_of_tests_is_a_part() -> None:
    folders = {path.parent.relative_to(ROOT / "tests").parts[0] for path in (ROOT / "tests").rglob("test_*.py")}
    assert folders - {BENCHMARKS} <= {part.name for part in checks.PARTS if part.folder}


@pytest.mark.parametrize("text", ["", "storage", "storage node -- -k tree", "-- -x"])
def test_parts_and_pytest_arguments_are_told_apart(text: str) -> None:
    parts, extra = checks.split(text.split())
    words = text.split("--")[0].split()
    assert [part.name for part in parts] == (words or [part.name for part in checks.PARTS])
    assert extra == (text.split("--", 1)[1].split() if "--" in text else [])


def test_a_part_that_does_not_exist_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert checks.main(["storge"]) == 2
    assert "no part named 'storge'" in capsys.readouterr().err


def test_the_closing_table_names_what_is_red() -> None:
    outcomes = [checks.Outcome(checks.PARTS[0], True, 6), checks.Outcome(checks.PARTS[1], False, 60)]
    table = checks.closing_table(outcomes, {checks.OTHER_PYTHON: "/python3.12"})
    assert re.search(r"lint\s+0\.10\s+passed", table)
    assert re.search(r"types\s+1\.00\s+FAILED", table)
    assert table.splitlines()[-1].endswith("1.10  FAILED: types")
    assert "not compared" not in table
    assert "no second Python: 3.11 and 3.12 were not compared" in checks.closing_table(outcomes, {})


def test_a_machine_asks_for_no_colours() -> None:
    environment = checks.plain({"CI": "true", "FORCE_COLOR": "1", "PATH": "x"})
    assert environment == {"CI": "true", "NO_COLOR": "1", "PATH": "x"}
    tests = next(part for part in checks.PARTS if part.folder)
    assert "--color=no" in checks.command_of(tests, [], environment)
    assert "--color=no" not in checks.command_of(tests, [], {})
