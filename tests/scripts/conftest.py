"""Commands typed at a real node: a process of its own, over a real socket, that makes a block when one is wanted."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from scripts.cli import synod
from scripts.command import outcome
from scripts.fast_forward import fast_forwarded
from tests.node.processes import new_world, started

Said = Callable[..., tuple[int, Any]]


def forget_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What whoever runs the tests has set for his own node is not theirs."""
    for name in ("SYNOD_HOME", "SYNOD_URL", "SYNOD_FROM"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Said:
    """Run `synod ... --json` here; its exit code and its answer."""
    forget_environment(monkeypatch)

    def run(*words: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = outcome(synod, [*words, "--json"], "synod")
        return code, json.loads(capsys.readouterr().out)

    return run


@contextmanager
def near(home: Path) -> Iterator[None]:
    """The home's node on a thread of this process, over a real socket; it makes a block when one is wanted."""
    with fast_forwarded(home):
        yield


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of a running rehearsal chain with short periods; tests share it, each with accounts of its own."""
    home = tmp_path_factory.mktemp("live") / "home"
    new_world(home).close()
    with started(home, "--blocks", "demand") as node:
        node.serving()
        yield home
