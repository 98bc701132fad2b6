"""The host's tables: a home of a release that declares them otherwise, and names that no bundle may take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from governance.module import Governance
from governance.tables import LEDGER, Pins
from node import application
from node.application import Application
from node.beginning import begin
from node.genesis.generated import generated_genesis
from node.verification import Verifier
from runtime.bundle.manifest import HOST_NAMES
from runtime.chain import RUNTIME_ROOM_TABLES
from runtime.host_calls import KEY_CALLS
from storage.errors import TableMismatch
from storage.tables import Table, host_table


class Reworked(Governance):
    """Governance as another release might declare it."""

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def tables(self) -> tuple[Table[Any], ...]:
        return (host_table(self._name, Pins, key=(), names=()),)


@pytest.mark.parametrize("name", [LEDGER.name, "governance.novelty"], ids=["declared otherwise", "not there"])
def test_a_home_of_another_release_is_refused_at_start_and_not_in_a_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    home, _ = begin(tmp_path / "home", generated_genesis(4, 2, "1"), "")
    with Verifier() as verifier:
        Application.open(home, verifier).close()
        monkeypatch.setattr(application, "HOST_MODULES", (Reworked(name),))
        with pytest.raises(TableMismatch, match=name):
            Application.open(home, verifier)


def test_no_bundle_can_take_the_name_of_a_host_table_or_call() -> None:
    modules = application.HOST_MODULES
    tables = (*RUNTIME_ROOM_TABLES, *(table for module in modules for table in module.tables))
    calls = (*KEY_CALLS, *(call for module in modules for call in module.calls))
    taken = {table.name.partition(".")[0] for table in tables} | {call.module for call in calls}
    assert taken == HOST_NAMES
