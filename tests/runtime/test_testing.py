"""What the helper for authors' own tests catches: a field that must not change, one that must, and what the chain
itself would refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runtime.bundle.archive import Bundle, of_files
from runtime.testing import MigrationWrong, Rows, check_migration
from tests.runtime.story_bundles import first, second

ANN, BEN = b"a" * 20, b"b" * 20
ROWS = {ANN: {"coins": 7}, BEN: {"coins": 9}}
SWAPPED = "return Purse(coins=9 if old.coins == 7 else 7, seen=1)"


@pytest.fixture
def checked(tmp_path: Path) -> Any:
    """The helper, asked about purses of a bundle against the first runtime."""
    running = tmp_path / "running.tar"
    running.write_bytes(first().archive)

    def check(bundle: Bundle, **told: Any) -> Any:
        (tmp_path / "mine.tar").write_bytes(bundle.archive)
        lists: dict[str, Any] = {"changes": ("seen",), "unchanged": ("coins",), **told}
        return check_migration(tmp_path / "mine.tar", "coins.purses", ROWS, running=running, **lists)

    return check


def test_a_migration_that_does_what_its_lists_say_gives_its_records(checked: Any) -> None:
    made = checked(second())
    assert {key: (one.coins, one.seen) for key, one in made.items()} == {ANN: (7, 1), BEN: (9, 1)}


def test_frozen_parameters_and_inputs_are_what_the_test_gives(checked: Any) -> None:
    body = (
        'found = inputs.get("coins.notes", b"n" * 20)\n'
        "    return Purse(coins=old.coins, seen=frozen.scheduled_at + (0 if found is None else found.size))"
    )
    bundle = second(body=body, frozen='"scheduled_at",', reads='"coins.notes",')
    made = checked(bundle, frozen={"scheduled_at": 40}, inputs={"coins.notes": {b"n" * 20: {"size": 2}}})
    assert {one.seen for one in made.values()} == {42}
    with pytest.raises(MigrationWrong, match=r"frozen=\(scheduled_at\)"):
        checked(bundle)


@pytest.mark.parametrize(
    ("changed", "told", "says"),
    [
        ({"body": SWAPPED, "sets": '"coins", "seen"'}, {}, "coins must not change, and 7 became 9"),
        ({"body": SWAPPED}, {}, "undeclared_change"),
        ({"body": "return Purse(coins=old.coins)"}, {}, "seen must change"),
        ({}, {"changes": ("seen", "coins")}, "coins of coins.purses stands in one"),
        ({}, {"unchanged": ()}, "coins of coins.purses stands in one"),
        ({}, {"unchanged": ("coins", "colour")}, "no field colour"),
        ({"body": "return Purse(coins=old.coins // 0)"}, {}, r"coins.py:\d+: division_by_zero"),
    ],
)
def test_what_differs_is_said(checked: Any, changed: dict[str, Any], told: dict[str, Any], says: str) -> None:
    with pytest.raises(MigrationWrong, match=says):
        checked(second(**changed), **told)


BEFORE = '\n\nclass Before(Record):\n    """As it was."""\n\n    coins: Amount = field(1, value="coin")\n'
BACK = '\n\n@reverse(purses)\ndef back(new: Purse) -> Before:\n    """The way back."""\n    return {body}\n'


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("Before(coins=new.coins)", ""),
        ("Before(coins=new.coins + 1)", "not_reversible .*does not come back"),
        ("Before(coins=new.coins // 0)", "not_reversible .*division_by_zero"),
        ("new", "not_reversible .*does not come back"),
    ],
)
def test_a_declared_way_back_is_gone_with_each_row(checked: Any, body: str, says: str) -> None:
    files = dict(second(rest=BEFORE + BACK.format(body=body)).files)
    files["coins.py"] = files["coins.py"].replace(b"import call,", b"import reverse, call,")
    if not says:
        assert len(checked(of_files(files))) == len(ROWS)
        return
    with pytest.raises(MigrationWrong, match=says):
        checked(of_files(files))


REKEYED = (
    "\n\n@migration(marks, from_schema=1, sets=(), rekeys=True)\n"
    'def shorten(key: tuple[Text], old: Old, frozen: Frozen) -> Mark:\n    """Three letters."""\n'
    "    return (key[0][:3],), Mark(height=old.height, times=old.times, weight=old.weight)\n"
)


def test_rows_come_under_their_new_keys_and_a_collision_is_said(tmp_path: Path) -> None:
    for name, bundle in (("running", first()), ("mine", second(rest=REKEYED))):
        (tmp_path / name).write_bytes(bundle.archive)
    row = {"height": 1, "times": 2}

    def check(*names: str) -> Any:
        return check_migration(
            tmp_path / "mine", "coins.marks", dict.fromkeys(names, row), running=tmp_path / "running",
            changes=(), unchanged=("height", "times", "weight"),
        )  # fmt: skip

    assert set(check("begin", "end")) == {"beg", "end"}
    with pytest.raises(MigrationWrong, match="key_collision"):
        check("begin", "beget")


def test_rows_that_the_running_runtime_cannot_have_are_refused(tmp_path: Path) -> None:
    for name, bundle in (("running", first()), ("mine", second())):
        (tmp_path / name).write_bytes(bundle.archive)
    wrong: tuple[Rows, ...] = ({ANN: {"coins": -1}}, {ANN: {"seen": 1}}, {b"short": {"coins": 1}})
    for rows in wrong:
        with pytest.raises(MigrationWrong, match="can have no row"):
            check_migration(
                tmp_path / "mine", "coins.purses", rows,
                running=tmp_path / "running", changes=("seen",), unchanged=("coins",),
            )  # fmt: skip
