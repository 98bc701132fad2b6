"""Commands typed at a real node: a process of its own, over a real socket, that makes a block when one is wanted."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.cli import synod
from scripts.command import outcome
from tests.node.processes import new_world, started

Said = Callable[..., tuple[int, Any]]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Said:
    """Run `synod ... --json` here; its exit code and its answer."""
    for name in ("SYNOD_HOME", "SYNOD_URL", "SYNOD_FROM"):
        monkeypatch.delenv(name, raising=False)

    def run(*words: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = outcome(synod, [*words, "--json"], "synod")
        return code, json.loads(capsys.readouterr().out)

    return run


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of a running rehearsal chain with short periods; tests share it, each with accounts of its own."""
    home = tmp_path_factory.mktemp("live") / "home"
    new_world(home).close()
    with started(home, "--blocks", "demand") as node:
        node.serving()
        yield home
