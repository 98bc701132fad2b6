"""A Merkle tree with its buckets in a dict, and rows to fill it with: what a table's tree is held against."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from storage.merkle import Tree

VECTORS = Path(__file__).parent / "vectors"


class Store:
    """A tree with its bucket rows in a dict, as a table has them in the database."""

    def __init__(self) -> None:
        self.tree = Tree()
        self.rows: dict[bytes, bytes] = {}

    def change(self, changes: Mapping[bytes, bytes | None]) -> None:
        patch = self.tree.prepare(changes, self.rows.get)
        self.tree.apply(patch)
        for path, bucket in patch.buckets.items():
            if bucket is None:
                self.rows.pop(path, None)
            else:
                self.rows[path] = bucket

    def shape(self) -> tuple[bytes, int, dict[bytes, bytes]]:
        return self.tree.root, self.tree.count, self.rows


def built(rows: Mapping[bytes, bytes]) -> Store:
    store = Store()
    store.change(rows)
    return store


def numbered(numbers: Iterable[int]) -> dict[bytes, bytes]:
    return {number.to_bytes(8, "big"): b"value %d" % number for number in numbers}


def ground_keys() -> list[bytes]:
    """Ten thousand keys whose hashes begin with the same two bytes."""
    steps = json.loads((VECTORS / "ground_keys.json").read_text())["steps"]
    keys, counter = [], 0
    for step in steps:
        counter += step
        keys.append(counter.to_bytes(8, "big"))
    return keys
