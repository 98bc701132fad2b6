"""A Merkle tree that grows change by change, and rows to fill it with: what a table's tree is held against."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from storage.merkle import Tree
from storage.nodes import Node

VECTORS = Path(__file__).parent / "vectors"


class Store:
    """A tree that takes its changes at once."""

    def __init__(self) -> None:
        self.tree = Tree()

    def change(self, changes: Mapping[bytes, bytes | None]) -> None:
        self.tree.apply(self.tree.prepare(changes))

    def shape(self) -> tuple[bytes, int, Node]:
        return shape_of(self.tree)


def shape_of(tree: Tree) -> tuple[bytes, int, Node]:
    """All that tells two trees apart."""
    return tree.root, tree.count, tree.top


def built(rows: Mapping[bytes, bytes]) -> Store:
    store = Store()
    store.change(rows)
    return store


def numbered(numbers: Iterable[int], fill: int = 0) -> dict[bytes, bytes]:
    return {number.to_bytes(8, "big"): b"value %d" % number + b"." * fill for number in numbers}


def ground_keys() -> list[bytes]:
    """Ten thousand keys whose hashes begin with the same two bytes."""
    steps = json.loads((VECTORS / "ground_keys.json").read_text())["steps"]
    keys, counter = [], 0
    for step in steps:
        counter += step
        keys.append(counter.to_bytes(8, "big"))
    return keys
