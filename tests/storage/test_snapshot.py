"""A snapshot is the same bytes on every node, and importing believes nothing that the roots do not say."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from storage import snapshot
from storage.blocklog import block_rows, commit_row
from storage.catalogue import CATALOGUE
from storage.errors import DiskError, SnapshotDamaged, SnapshotMismatch
from storage.home import Home
from storage.snapshot import SnapshotManifest, chunks_of, export, import_chunks, read_folder
from storage.state import State
from tests.storage.small_state import (
    ALL_TABLES,
    PURSES,
    VOTES,
    built,
    coins_of,
    commit,
    flip,
    new_state,
    purse,
    put_coins,
)

OLD = {owner: owner for owner in range(200)}
NEW = {owner: owner * 7 for owner in range(300)}


def lived_in(root: Path, wasted: int = 0) -> State:
    """A state in its rollback window, with a log; ``wasted`` builds shift its numbers."""
    state = new_state(root)
    commit(state, put_coins(OLD))
    for attempt in range(wasted):
        state.discard_generation(built(state, {1: attempt}).number)
    keep = state.table_root("bank.purses")
    flip(state, state.catalogue.replaced(PURSES, keep_root=keep), {"bank.purses": built(state, NEW)})
    overlay = state.overlay()
    overlay.put(VOTES, (1, "anna"), purse(1))
    rows = block_rows(3, b"block 3", [b"r"], [b"t" * 32], b"journal", [("bank.purses", b"k", None)])
    signatures = commit_row(3, b"this node's signatures, %d" % wasted)
    state.commit(state.prepare(overlay), 3, [*rows, signatures])
    return state


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "CHUNK_BYTES", 500)


def imported(root: Path, manifest: SnapshotManifest, chunks: Iterable[bytes]) -> State:
    return import_chunks(Home.create(root), manifest, chunks, ALL_TABLES)


def test_chunks_are_equal_whatever_numbers_a_node_uses(tmp_path: Path, small_chunks: None) -> None:
    one, two = lived_in(tmp_path / "a"), lived_in(tmp_path / "b", wasted=3)
    assert set(one.view().numbers.values()) != set(two.view().numbers.values())
    mine = list(chunks_of(one.view(), range(3, 4)))
    assert len(mine) > 5
    assert mine == list(chunks_of(two.view(), range(3, 4)))


def test_an_imported_state_is_the_exported_one(tmp_path: Path, small_chunks: None) -> None:
    source = lived_in(tmp_path / "a")
    manifest = export(source.view(), tmp_path / "out", range(3, 4))
    assert manifest.name == f"3-{source.head.app_root.hex()[:16]}"
    found = imported(tmp_path / "b", *read_folder(tmp_path / "out" / manifest.name))
    assert (found.height, found.head.app_root) == (3, source.head.app_root)
    assert coins_of(found.overlay()) == NEW
    assert found.log().block(3) == b"block 3"
    assert found.log().locate(b"t" * 32) == (3, 0)
    assert list(chunks_of(found.view(), range(3, 4))) == list(chunks_of(source.view(), range(3, 4)))
    for state in (source, found):
        commit(state, put_coins({5: 5, 1000: 1}))
    assert found.head.app_root == source.head.app_root


def test_a_joined_node_can_roll_back_as_well(tmp_path: Path) -> None:
    source = lived_in(tmp_path / "a")
    manifest = export(source.view(), tmp_path / "out")
    found = imported(tmp_path / "b", *read_folder(tmp_path / "out" / manifest.name))
    kept = found.catalogue.runtime.kept[0]
    entries = tuple(
        entry.but(generation=kept.generation) if entry.name == kept.name else entry
        for entry in found.catalogue.runtime.entries
    )
    flip(found, found.catalogue.with_runtime_tables(entries))
    assert coins_of(found.overlay()) == OLD


def test_an_export_is_repeatable(tmp_path: Path) -> None:
    source = lived_in(tmp_path / "a")
    assert export(source.view(), tmp_path / "out") == export(source.view(), tmp_path / "out")


Change = Callable[[list[snapshot.Entry]], None]


def forged(change: Change, manifest: SnapshotManifest, chunks: Iterable[bytes]) -> tuple[SnapshotManifest, list[bytes]]:
    """Change the entries and name the new chunk in the manifest, as a liar would."""
    entries = [entry for chunk in chunks for entry in msgspec.msgpack.decode(chunk, type=list[snapshot.Entry])]
    change(entries)
    chunk = msgspec.msgpack.encode(entries)
    return replace(manifest, chunks=(hashlib.sha256(chunk).hexdigest(),)), [chunk]


def _name_too_long(entries: list[snapshot.Entry]) -> None:
    """A table with the longest name that a record may hold, a byte more than a root can cover."""
    row = CATALOGUE.codec.decode(entries[0][3])
    named = tuple(entry.but(name="n" * 65_536) for entry in row.entries)
    entries[0] = (*entries[0][:3], CATALOGUE.codec.encode(row.but(entries=named)))


JUNK = b"\x81\xa11\x63"
FORGERIES: dict[str, tuple[type[Exception], Change]] = {
    "a changed value": (SnapshotMismatch, lambda entries: entries.__setitem__(-1, (*entries[-1][:3], JUNK))),
    "a missing row": (SnapshotMismatch, lambda entries: entries.__delitem__(20)),
    "a kept row changed": (
        SnapshotMismatch,
        lambda entries: entries.__setitem__(10, (*entries[10][:3], JUNK)),
    ),
    "a repeated row": (SnapshotDamaged, lambda entries: entries.append(entries[-1])),
    "rows out of order": (SnapshotDamaged, lambda entries: entries.reverse()),
    "no catalogue": (SnapshotDamaged, lambda entries: entries.__delitem__(slice(0, 2))),
    "a catalogue that does not decode": (
        SnapshotDamaged,
        lambda entries: entries.__setitem__(0, (*entries[0][:3], b"junk")),
    ),
    "a catalogue with a name that no root covers": (SnapshotDamaged, _name_too_long),
    "rows of no table": (SnapshotDamaged, lambda entries: entries.append((1, 99, b"key", b"value"))),
    "a log row outside the log": (SnapshotDamaged, lambda entries: entries.append((2, 0, b"m", b"value"))),
    "an unknown section": (SnapshotDamaged, lambda entries: entries.append((3, 0, b"key", b"value"))),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_snapshot_leaves_no_database(tmp_path: Path, name: str) -> None:
    fault, change = FORGERIES[name]
    source = lived_in(tmp_path / "a")
    manifest = export(source.view(), tmp_path / "out")
    lie = forged(change, manifest, chunks_of(source.view()))
    with pytest.raises(fault):
        imported(tmp_path / "b", *lie)
    assert not Home(tmp_path / "b").database.exists()
    assert import_chunks(Home(tmp_path / "b"), manifest, chunks_of(source.view()), ALL_TABLES).height == 3


@pytest.mark.parametrize("spoil", ["swap", "drop", "cut", "add"])
def test_chunks_that_are_not_the_manifests_are_refused(tmp_path: Path, small_chunks: None, spoil: str) -> None:
    source = lived_in(tmp_path / "a")
    manifest = export(source.view(), tmp_path / "out")
    chunks = list(chunks_of(source.view()))
    spoiled = {
        "swap": [chunks[1], chunks[0], *chunks[2:]],
        "drop": chunks[:-1],
        "cut": [chunks[0][:-1], *chunks[1:]],
        "add": [*chunks, chunks[-1]],
    }[spoil]
    with pytest.raises(SnapshotDamaged):
        imported(tmp_path / "b", manifest, spoiled)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": "1"}', "\ud800"])
def test_a_manifest_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(SnapshotDamaged):
        SnapshotManifest.from_json(text)


def test_a_newer_format_or_an_impossible_height_is_refused(tmp_path: Path) -> None:
    manifest = export(lived_in(tmp_path / "a").view(), tmp_path / "out")
    with pytest.raises(SnapshotDamaged, match="no height"):
        SnapshotManifest.from_json(replace(manifest, height=-1).to_json())
    with pytest.raises(SnapshotDamaged, match="format 2"):
        SnapshotManifest.from_json(replace(manifest, format=2).to_json())


@pytest.mark.parametrize("root", ["", "zz" * 32, "AB" * 32, "ab" * 31])
def test_a_manifest_whose_root_is_none_is_refused(tmp_path: Path, root: str) -> None:
    manifest = SnapshotManifest(1, 3, root, "00" * 32, "00" * 32, ())
    with pytest.raises(SnapshotDamaged, match="lower-case hex"):
        imported(tmp_path / "b", manifest, [])


def test_a_folder_that_is_no_snapshot_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SnapshotDamaged):
        read_folder(tmp_path)


def test_a_chunk_that_is_gone_is_named_and_leaves_no_database(tmp_path: Path) -> None:
    manifest = export(lived_in(tmp_path / "a").view(), tmp_path / "out")
    folder = tmp_path / "out" / manifest.name
    (folder / "chunk-000000").unlink()
    with pytest.raises(SnapshotDamaged, match="chunk-000000"):
        imported(tmp_path / "b", *read_folder(folder))
    assert not Home(tmp_path / "b").database.exists()


def test_a_snapshot_that_cannot_be_written_is_a_fault_of_the_disk(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file in the folder's place")
    with pytest.raises(DiskError):
        export(lived_in(tmp_path / "a").view(), tmp_path / "out")
