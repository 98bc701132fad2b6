"""Every error of the room has its own code, a message made of its fields, and survives another process."""

import dataclasses
import pickle
from pathlib import Path
from typing import Any

import plyvel
import pytest

from storage import errors
from storage.errors import DiskError, DiskFull, StorageError, StoreDamaged, StoreFault, StoreLocked, StoreMissing
from storage.faults import fault_of


def every_class() -> list[type[StorageError]]:
    return [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, StorageError)]


def sample(kind: type[Any]) -> StorageError:
    if not dataclasses.is_dataclass(kind):
        return kind()
    values = {"Path": Path("/some/where"), "int": 7, "str": "text"}
    made: StorageError = kind(
        *(values[getattr(each.type, "__name__", str(each.type))] for each in dataclasses.fields(kind))
    )
    return made


@pytest.mark.parametrize("kind", every_class(), ids=lambda kind: kind.__name__)
def test_an_error_tells_its_fields_in_one_line_and_survives_pickling(kind: type[StorageError]) -> None:
    error = sample(kind)
    assert str(error)
    assert "\n" not in str(error)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (kind, str(error), vars(error))
    for value in vars(error).values():
        assert str(value) in str(error)


def test_codes_are_unique_and_named_after_their_class() -> None:
    codes = [each.code for each in every_class()]
    assert len(codes) == len(set(codes))
    for each in every_class():
        assert each.code.replace("_", "") == each.__name__.lower()


def test_the_tree_is_drawn_completely() -> None:
    assert errors.__doc__ is not None
    for each in every_class():
        assert each.__name__ in errors.__doc__, each.__name__


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (plyvel.IOError(b"IO error: /x/000004.log: No space left on device"), DiskFull),
        (plyvel.IOError(b"IO error: /x/000004.log: File too large"), DiskFull),
        (plyvel.IOError(b"IO error: /x/000004.log: Disk quota exceeded"), DiskFull),
        (plyvel.IOError(b"IO error: /x/000005.ldb: Input/output error"), DiskError),
        (plyvel.IOError(b"IO error: /x/000005.ldb: Read-only file system"), DiskError),
        (plyvel.IOError(b"IO error: lock /x/LOCK: already held by process"), StoreLocked),
        (plyvel.IOError(b"IO error: lock /x/LOCK: Resource temporarily unavailable"), StoreLocked),
        (plyvel.IOError(b"IO error: /x/000005.ldb: No such file or directory"), StoreDamaged),
        (plyvel.CorruptionError(b"Corruption: block checksum mismatch"), StoreDamaged),
        (plyvel.Error(b"Invalid argument: /x: does not exist (create_if_missing is false)"), StoreMissing),
        (OSError(28, "No space left on device"), DiskFull),
        (OSError(5, "Input/output error"), DiskError),
        (RuntimeError("something else"), DiskError),
    ],
)
def test_failures_of_leveldb_and_the_system_have_one_meaning(error: Exception, kind: type[StoreFault]) -> None:
    fault = fault_of(Path("/x"), error)
    assert type(fault) is kind
    assert "/x" in str(fault)


def test_the_name_of_a_folder_is_not_taken_for_a_failure() -> None:
    path = Path("/home/corruption/no space left")
    assert (
        type(fault_of(path, plyvel.IOError(b"IO error: %s/000005.ldb: Input/output error" % bytes(path)))) is DiskError
    )
