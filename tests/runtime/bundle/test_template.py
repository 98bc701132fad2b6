"""A newcomer's bundle works as it is written, and shows one place for a migration."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.bundle.archive import Bundle, of_files, pack
from runtime.bundle.checker import check_bundle, check_upgrade
from runtime.bundle.loader import load
from runtime.bundle.template import CORE, TemplateRefused, bundle_files, core_files, new_bundle
from tests.runtime.small_chain import ALICE, small_chain


@pytest.fixture
def example(tmp_path: Path) -> Bundle:
    new_bundle(tmp_path / "mine", "my-runtime", "synod-local")
    return pack(tmp_path / "mine")


def test_the_example_is_accepted_as_an_upgrade_of_the_core(example: Bundle) -> None:
    running = check_bundle(pack(CORE, "synod-local"), chain="synod-local", host_release="0.1.0")
    proposed = check_bundle(example, chain="synod-local", host_release="0.1.0")
    effect = check_upgrade(running, proposed)
    assert effect.tables_migrated == ("bank.accounts",)
    assert set(effect.of_kind("table_added", "call_added", "query_added")) == {
        "guestbook.entries",
        "guestbook.sign",
        "guestbook.line_of",
    }
    assert set(effect.invariants_kept) == {invariant.id for invariant in running.invariants()}
    assert not effect.breaking and effect.to_version == "2.0.0"


def test_the_example_runs(example: Bundle, tmp_path: Path) -> None:
    loaded = load(example, check_bundle(example, chain=None, host_release=None))
    with small_chain(tmp_path, loaded) as chain:
        assert chain.send("guestbook.sign", "I was here") == "ok"
        assert chain.ask("guestbook.line_of", ALICE) == "I was here"
        assert chain.code("guestbook.sign", "") == "nothing_to_say"
        assert chain.code("guestbook.sign", "x" * 201) == "too_long"


def test_the_example_is_rebuilt_to_the_same_bytes(example: Bundle) -> None:
    assert of_files(bundle_files("my-runtime", "synod-local", core_files())) == example


def test_one_place_says_where_the_migration_goes(example: Bundle, tmp_path: Path) -> None:
    marked = [(name, content.count(b"WRITE YOUR MIGRATION HERE")) for name, content in example.files]
    assert [place for place in marked if place[1]] == [("bank.py", 1)]
    assert "rehearse --bundle" in (tmp_path / "mine" / "README.md").read_text()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(TemplateRefused, match="not empty"):
        new_bundle(tmp_path, "x", "c")
    with pytest.raises(TemplateRefused, match="guestbook"):
        bundle_files("x", "c", bundle_files("x", "c", core_files()))
