"""A home whose host tables were written by a release that declares them otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from governance.module import Governance
from governance.tables import LEDGER, Pins
from node import application
from node.application import Application
from node.beginning import begin
from node.genesis.generated import generated_genesis
from node.verification import Verifier
from storage.errors import TableMismatch
from storage.tables import host_table


class Reworked(Governance):
    """Governance as another release might declare it."""

    @property
    def tables(self) -> tuple[object, ...]:
        return (host_table(LEDGER.name, Pins, key=(), names=()),)


def test_a_home_of_another_release_is_refused_at_start_and_not_in_a_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, _ = begin(tmp_path / "home", generated_genesis(4, 2, "1"), "")
    with Verifier() as verifier:
        Application.open(home, verifier).close()
        monkeypatch.setattr(application, "HOST_MODULES", (Reworked(),))
        with pytest.raises(TableMismatch, match=r"governance\.ledger"):
            Application.open(home, verifier)
