"""The Merkle tree of one table: its shape, and so its root, is a function of the table's content alone.

A subtree of at most 16 rows is one *bucket*: the sorted entries (key hash, value hash), 64 bytes each, stored as one
row beside the state. A larger subtree is an *inner* node with sixteen children, told apart by the next four bits of
the key hash. Buckets split and merge exactly at that bound, so any order of inserts and deletes ends in the same tree;
keys ground to collide only deepen their own corner. Inner nodes stay in memory, about 20 bytes a row; buckets are read
when a change or a proof needs them. A *path* is the lower-case hex digits that lead to a node.

`prepare` computes what a block would change and touches nothing, so its patch may be dropped; `apply` makes it so.
"""

from __future__ import annotations

from binascii import hexlify
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from storage.errors import PatchStale, TreeDamaged
from storage.hashing import ABSENT, EMPTY_ROOT, TAG_BUCKET, TAG_INNER, TAG_KEY, TAG_VALUE

ENTRY_BYTES = 64
BUCKET_ENTRIES = 16
BUCKET_BYTES = BUCKET_ENTRIES * ENTRY_BYTES

ReadBucket = Callable[[bytes], bytes | None]

_EMPTY_INNER = TAG_INNER + bytes(16 * 32)
_DIGITS = tuple(bytes((digit,)) for digit in b"0123456789abcdef")
_SLOT = {digit: 1 + 32 * place for place, digit in enumerate(b"0123456789abcdef")}
"""Where a child's hash stands in an inner node, by the hex digit that leads to it; byte 0 is the tag."""


@dataclass(slots=True)
class TreePatch:
    """What a block changes in a tree. ``buckets`` are the rows to store, None for rows to delete."""

    base: bytes
    """Root of the tree it was prepared on."""
    root: bytes
    count: int
    buckets: dict[bytes, bytes | None] = field(default_factory=dict)
    nodes: dict[bytes, bytearray | None] = field(default_factory=dict)
    counts: dict[bytes, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TreeProof:
    """The way from the root to the bucket where a key stands or would stand."""

    bucket: bytes
    siblings: tuple[bytes, ...]
    """For each inner node from the root down, its fifteen other children."""


class Tree:
    """The inner nodes of one table's tree, in memory."""

    __slots__ = ("_counts", "_depth", "_nodes", "count", "root")

    def __init__(self) -> None:
        self.root = EMPTY_ROOT
        self.count = 0
        self._nodes: dict[bytes, bytearray] = {}
        self._counts: dict[bytes, int] = {}
        self._depth = 0

    @classmethod
    def load(cls, rows: Iterable[tuple[bytes, bytes]]) -> Tree:
        """The tree of stored bucket rows (path, bucket), in any order."""
        tree = cls()
        nodes, counts = tree._nodes, tree._counts
        levels: list[list[bytes]] = []
        for path, bucket in rows:
            tree._place(path, bucket, levels)
        for level in reversed(levels):
            for path in level:
                digest = sha256(nodes[path]).digest()
                if path:
                    slot = _SLOT[path[-1]]
                    nodes[path[:-1]][slot : slot + 32] = digest
                    counts[path[:-1]] += counts[path]
                else:
                    tree.root, tree.count = digest, counts[path]
        tree._depth = _usual_depth(tree.count)
        return tree

    def _place(self, path: bytes, bucket: bytes, levels: list[list[bytes]]) -> None:
        """Hang one stored bucket under its inner nodes, making those that are not there yet."""
        entries, rest = divmod(len(bucket), ENTRY_BYTES)
        if rest or not 1 <= entries <= BUCKET_ENTRIES or path in self._nodes:
            raise TreeDamaged(path.decode("ascii", "replace"), "is no bucket")
        digest = sha256(TAG_BUCKET + bucket).digest()
        if not path:
            self.root, self.count = digest, entries
            return
        parent = path[:-1]
        if parent not in self._nodes:
            self._open(parent, levels)
        slot = _SLOT[path[-1]]
        self._nodes[parent][slot : slot + 32] = digest
        self._counts[parent] += entries

    def _open(self, path: bytes, levels: list[list[bytes]]) -> None:
        while len(levels) <= len(path):
            levels.append([])
        for depth in range(len(path), -1, -1):
            if path[:depth] in self._nodes:
                return
            self._nodes[path[:depth]] = bytearray(_EMPTY_INNER)
            self._counts[path[:depth]] = 0
            levels[depth].append(path[:depth])

    def prepare(self, changes: Mapping[bytes, bytes | None], read_bucket: ReadBucket) -> TreePatch:
        """The patch for ``changes`` (key bytes to record bytes, None to delete). Reads buckets, changes nothing."""
        return _Pass(self, read_bucket).run(changes)

    def apply(self, patch: TreePatch) -> None:
        """Make a patch so; it must have been prepared on this very content."""
        if patch.base != self.root:
            raise PatchStale(patch.base.hex(), self.root.hex())
        nodes, counts = self._nodes, self._counts
        for path, node in patch.nodes.items():
            if node is None:
                nodes.pop(path, None)
                counts.pop(path, None)
            else:
                nodes[path] = node
        counts.update(patch.counts)
        if patch.count != self.count:
            self._depth = _usual_depth(patch.count)
        self.root, self.count = patch.root, patch.count

    def prove(self, key: bytes, read_bucket: ReadBucket) -> TreeProof:
        """The proof that ``key`` is, or is not, in the table; the bucket says which."""
        digits = hexlify(sha256(TAG_KEY + key).digest())
        siblings = []
        depth = 0
        while (node := self._nodes.get(digits[:depth])) is not None:
            slot = _SLOT[digits[depth]]
            siblings.append(bytes(node[1:slot] + node[slot + 32 :]))
            depth += 1
        return TreeProof(read_bucket(digits[:depth]) or b"", tuple(siblings))


def _usual_depth(count: int) -> int:
    """Depth at which most buckets of a table of that size are: where looking for one begins."""
    depth = 0
    while count > BUCKET_ENTRIES:
        count >>= 4
        depth += 1
    return depth


class _Pass:
    """One `prepare`: buckets first, then the inner nodes above them, deepest level first."""

    __slots__ = ("base", "counts", "deltas", "levels", "nodes", "patch", "read")

    def __init__(self, tree: Tree, read_bucket: ReadBucket) -> None:
        self.base = tree
        self.read = read_bucket
        self.patch = TreePatch(tree.root, tree.root, tree.count)
        self.nodes = self.patch.nodes
        self.levels: list[list[bytes]] = [[] for _ in range(tree._depth + 2)]
        self.deltas: dict[bytes, int] = {}

    def run(self, changes: Mapping[bytes, bytes | None]) -> TreePatch:
        for path, wanted in self._by_bucket(changes).items():
            self._change_bucket(path, wanted)
        for level in reversed(self.levels):
            for path in level:
                self._close(path)
        return self.patch

    def _by_bucket(self, changes: Mapping[bytes, bytes | None]) -> dict[bytes, dict[bytes, bytes | None]]:
        """The changes as key hash to value hash, grouped by the path of the bucket that each falls into."""
        nodes, usual = self.base._nodes, self.base._depth
        groups: dict[bytes, dict[bytes, bytes | None]] = {}
        for key, value in changes.items():
            place = sha256(TAG_KEY + key).digest()
            digits = hexlify(place)
            depth = usual
            if digits[:depth] in nodes:
                depth += 1
                while digits[:depth] in nodes:
                    depth += 1
            else:
                while depth and digits[: depth - 1] not in nodes:
                    depth -= 1
            path = digits[:depth]
            content = None if value is None else sha256(TAG_VALUE + value).digest()
            group = groups.get(path)
            if group is None:
                groups[path] = {place: content}
            else:
                group[place] = content
        return groups

    def _change_bucket(self, path: bytes, wanted: dict[bytes, bytes | None]) -> None:
        old = self.read(path) or b""
        new = _changed(old, wanted)
        if new == old:
            return
        delta = (len(new) - len(old)) // ENTRY_BYTES
        digest = self._settle(path, new, bool(old))
        self._hang(path, digest, delta)

    def _settle(self, path: bytes, entries: bytes, stored: bool) -> bytes:
        """Lay sorted entries down at a path, as a bucket or, when they are too many, as a subtree; its hash."""
        if not entries:
            if stored:
                self.patch.buckets[path] = None
            return ABSENT
        if len(entries) <= BUCKET_BYTES:
            self.patch.buckets[path] = entries
            return sha256(TAG_BUCKET + entries).digest()
        if stored:
            self.patch.buckets[path] = None
        node = bytearray(_EMPTY_INNER)
        for digit, part in _split(entries, len(path)):
            slot = _SLOT[digit[0]]
            node[slot : slot + 32] = self._settle(path + digit, part, False)
        self.nodes[path] = node
        self.patch.counts[path] = len(entries) // ENTRY_BYTES
        return sha256(node).digest()

    def _hang(self, path: bytes, digest: bytes, delta: int) -> None:
        """Put a child's new hash into its parent, or make it the root."""
        if not path:
            self.patch.root = digest if digest != ABSENT else EMPTY_ROOT
            self.patch.count += delta
            return
        parent = path[:-1]
        node = self.nodes.get(parent)
        if node is None:
            node = self.nodes[parent] = self.base._nodes[parent][:]
            depth = len(parent)
            while len(self.levels) <= depth:
                self.levels.append([])
            self.levels[depth].append(parent)
        slot = _SLOT[path[-1]]
        node[slot : slot + 32] = digest
        if delta:
            self.deltas[parent] = self.deltas.get(parent, 0) + delta

    def _close(self, path: bytes) -> None:
        """Hash an inner node all of whose children are settled; merge it when its rows fit a bucket again."""
        node = self.nodes[path]
        assert node is not None
        delta = self.deltas.get(path, 0)
        if delta:
            count = self.base._counts[path] + delta
            if count <= BUCKET_ENTRIES:
                self._hang(path, self._merge(path, node), delta)
                return
            self.patch.counts[path] = count
        self._hang(path, sha256(node).digest(), delta)

    def _merge(self, path: bytes, node: bytearray) -> bytes:
        buckets = self.patch.buckets
        parts = []
        for place, digit in enumerate(_DIGITS):
            if node[1 + 32 * place : 33 + 32 * place] == ABSENT:
                continue
            child = path + digit
            parts.append((buckets[child] if child in buckets else self.read(child)) or b"")
            buckets[child] = None
        self.nodes[path] = None
        return self._settle(path, b"".join(parts), False)


def _changed(bucket: bytes, wanted: dict[bytes, bytes | None]) -> bytes:
    """A bucket after some of its entries were set or deleted; it may be empty or too long for one bucket."""
    fresh = []
    for place, content in wanted.items():
        at = bucket.find(place)
        if at < 0:
            if content is not None:
                fresh.append(place + content)
        elif content is None:
            bucket = bucket[:at] + bucket[at + ENTRY_BYTES :]
        else:
            bucket = bucket[: at + 32] + content + bucket[at + ENTRY_BYTES :]
    if not fresh:
        return bucket
    fresh += [bucket[at : at + ENTRY_BYTES] for at in range(0, len(bucket), ENTRY_BYTES)]
    fresh.sort()
    return b"".join(fresh)


def _split(entries: bytes, depth: int) -> list[tuple[bytes, bytes]]:
    """Sorted entries by the hex digit of their key hash at ``depth``: (digit, its entries), only those that occur."""
    half, low = divmod(depth, 2)
    parts = []
    start = 0
    while start < len(entries):
        byte = entries[start + half]
        digit = byte & 15 if low else byte >> 4
        stop = _end_of(entries, start, half, low, digit)
        parts.append((_DIGITS[digit], entries[start:stop]))
        start = stop
    return parts


def _end_of(entries: bytes, start: int, half: int, low: int, digit: int) -> int:
    """Where the entries with that digit end, by halving the rest."""
    first, last = start // ENTRY_BYTES, len(entries) // ENTRY_BYTES
    while first < last:
        middle = (first + last) // 2
        byte = entries[middle * ENTRY_BYTES + half]
        if (byte & 15 if low else byte >> 4) <= digit:
            first = middle + 1
        else:
            last = middle
    return first * ENTRY_BYTES
