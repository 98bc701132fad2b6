"""Vectors of a trial: true to the roots they name, and compared to the first row in which two of them differ."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.rehearsal import upgrade
from node.rehearsal.world import World
from node.trial.agreement import Difference, VectorsUnreadable, first_difference
from node.trial.child import COPY, VECTORS
from node.trial.process import Trial, room_in
from node.trial.vectors import FILE, beside
from storage.home import Home
from storage.record import Amount, Record, field
from storage.restore import open_copy_of_running
from storage.state import State
from storage.tables import Half, Table
from tests.scenarios.upgrades import example
from tests.trials.conftest import LIMITS, unheard


class Anything(Record):
    """Rows are put in as bytes."""

    value: Amount = field(1, default=0)


@pytest.fixture(scope="module")
def vectors(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a trial of the example wrote down."""
    proposal = upgrade.propose(world, example(world), "An upgrade").proposal
    kept = tmp_path_factory.mktemp("vectors") / "one"
    with room_in(world.home) as room:
        open_copy_of_running(world.home, room / COPY)
        report = Trial(proposal, LIMITS, export=True).hear(room, unheard)
        shutil.move(room / VECTORS, kept)
    assert report.passed
    return kept


def document(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / FILE).read_text())
    return found


def rows_of(folder: Path, table: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"{table}.jsonl").read_text().splitlines()]


def write_rows(folder: Path, table: str, rows: list[dict[str, Any]]) -> None:
    (folder / f"{table}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def other(vectors: Path, tmp_path: Path) -> Path:
    """A second set, equal to the first until somebody writes into it."""
    return Path(shutil.copytree(vectors, tmp_path / "other"))


def root_of(folder: Path, rows: list[tuple[str, str]]) -> str:
    """The root that a fresh state gives a table of these rows."""
    table = Table("any.rows", Half.RUNTIME, ("data",), ("key",), Anything)
    state = State.create(Home.create(folder), (table,))
    overlay = state.overlay()
    for key, value in rows:
        overlay.put_raw(table, bytes.fromhex(key), bytes.fromhex(value))
    state.commit(state.prepare(overlay), 1)
    root = state.table_root(table.name).hex()
    state.close()
    return root


def test_rows_give_the_roots_that_are_named_before_and_after(vectors: Path, tmp_path: Path) -> None:
    about = document(vectors)
    assert [one["name"] for one in about["tables"] if one["migrated"]] == ["bank.accounts"]
    for table in about["tables"]:
        rows = rows_of(vectors, table["file"].removesuffix(".jsonl"))
        assert len(rows) == table["rows"]
        assert [row["key"] for row in rows] == sorted(row["key"] for row in rows)
        for side, root in (("old", table["root_before"]), ("new", table["root_after"])):
            held = [(row["key"], row[side]) for row in rows if row[side] is not None]
            assert root is None or root_of(tmp_path / f"{table['file']}-{side}", held) == root
    added = next(one for one in about["tables"] if one["name"] == "guestbook.entries")
    assert (added["was"], added["root_before"], added["schema_before"]) == (None, None, None)


def test_a_set_agrees_with_itself(vectors: Path, other: Path) -> None:
    assert first_difference(vectors, other) is None


def test_the_first_row_that_differs_is_named_by_table_then_key(vectors: Path, other: Path) -> None:
    accounts, validators = rows_of(other, "bank.accounts"), rows_of(other, "staking.validators")
    validators[0]["new"] = "80"
    write_rows(other, "staking.validators", validators)
    found = first_difference(vectors, other)
    assert (found.table, found.key, found.what, found.second) == (
        "staking.validators",
        validators[0]["key"],
        "new",
        "80",
    )
    for place in (30, 7):
        accounts[place]["new"] = "81"
    write_rows(other, "bank.accounts", accounts)
    before = rows_of(vectors, "bank.accounts")[7]
    expected = Difference("bank.accounts", before["key"], "new", before["new"], "81")
    assert first_difference(vectors, other) == expected


@pytest.mark.parametrize("turned", [False, True])
def test_a_row_that_only_one_has_is_a_difference(vectors: Path, other: Path, turned: bool) -> None:
    accounts = rows_of(other, "bank.accounts")
    gone = accounts.pop(3)
    write_rows(other, "bank.accounts", accounts)
    pair = (other, vectors) if turned else (vectors, other)
    found = first_difference(*pair)
    assert (found.table, found.key, found.what) == ("bank.accounts", gone["key"], "old")
    assert {found.first, found.second} == {gone["old"], None}


OTHERWISE = [("height", 1), ("code_hash", "00" * 32), ("runtime_root_after", "11" * 32)]


@pytest.mark.parametrize(("name", "value"), OTHERWISE)
def test_what_was_tried_must_be_the_same(vectors: Path, other: Path, name: str, value: object) -> None:
    changed = {**document(other), name: value}
    (other / FILE).write_text(json.dumps(changed))
    found = first_difference(vectors, other)
    assert (found.table, found.what, found.second) == ("", name, value)


def test_a_table_that_one_lacks_or_describes_otherwise_is_a_difference(vectors: Path, other: Path) -> None:
    about = document(other)
    about["tables"][1]["schema_after"] = "22" * 32
    (other / FILE).write_text(json.dumps(about))
    found = first_difference(vectors, other)
    assert (found.table, found.key, found.what) == (about["tables"][1]["name"], "", "schema_after")
    gone = about["tables"].pop(0)
    (other / FILE).write_text(json.dumps(about))
    found = first_difference(vectors, other)
    assert (found.table, found.what) == (gone["name"], "table")


def spoil_head(folder: Path) -> None:
    (folder / FILE).write_text("{")


def spoil_format(folder: Path) -> None:
    (folder / FILE).write_text(json.dumps({**document(folder), "format": 2}))


def spoil_row(folder: Path) -> None:
    with (folder / "bank.accounts.jsonl").open("a") as file:
        file.write('{"key": 5}\n')


def lose_table(folder: Path) -> None:
    (folder / "bank.accounts.jsonl").unlink()


def lead_out(folder: Path) -> None:
    about = document(folder)
    about["tables"][0]["file"] = "../elsewhere.jsonl"
    (folder / FILE).write_text(json.dumps(about))


@pytest.mark.parametrize("spoil", [spoil_head, spoil_format, spoil_row, lose_table, lead_out])
def test_a_folder_that_holds_no_sound_vectors_is_refused(vectors: Path, other: Path, spoil: Any) -> None:
    spoil(other)
    with pytest.raises(VectorsUnreadable, match=str(other)):
        first_difference(vectors, other)


tables = st.dictionaries(st.binary(min_size=1, max_size=3), st.binary(max_size=2), max_size=8)


@given(tables, tables)
def test_two_runs_of_rows_are_laid_side_by_side(old: dict[bytes, bytes], new: dict[bytes, bytes]) -> None:
    laid = list(beside(iter(sorted(old.items())), iter(sorted(new.items()))))
    assert [key for key, _, _ in laid] == sorted(old.keys() | new.keys())
    assert {key: before for key, before, _ in laid if before is not None} == old
    assert {key: after for key, _, after in laid if after is not None} == new
