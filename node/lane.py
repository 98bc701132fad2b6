"""The parts of the mempool: one waiting transaction, a lane with its bounds, and what became of those that left."""

from __future__ import annotations

import heapq

import msgspec

from runtime.transaction import SignedTransaction

FATES_KEPT = 10_000
HOST_RANK = 1 << 300
"""Host calls stand above every fee, among themselves by their sender's standing."""


class Waiting(msgspec.Struct, frozen=True, eq=False, gc=False):
    """A transaction in the pool."""

    transaction: SignedTransaction
    size: int
    """Raw bytes."""
    fee: int
    """What it offers; 0 for a host call, whatever its body says."""
    host: bool
    end: int
    """Dropped when this height is committed."""
    arrival: int
    rank: int
    """Orders choice and crowding out: fee for its bytes in 2**-20 units a byte; see `HOST_RANK`."""

    def fee_to_replace(self, percent: int) -> int:
        """The least fee that takes its place: ``percent`` more, and at least one unit."""
        return max(self.fee + 1, -(-self.fee * (100 + percent) // 100))


class Lane:
    """Bounds in count and bytes for one kind of transaction, and who is the cheapest inside."""

    def __init__(self, most_count: int, most_bytes: int) -> None:
        self._most_count = most_count
        self._most_bytes = most_bytes
        self._inside: dict[int, Waiting] = {}
        self._cheapest: list[tuple[int, int]] = []
        """Heap of (rank, -arrival): among equals the latest goes first. Holds stale pairs, skipped when met. Empty
        until room has to be made, since most lanes never fill up."""
        self.held_bytes = 0

    def __len__(self) -> int:
        return len(self._inside)

    def add(self, entry: Waiting) -> None:
        """Count ``entry`` in."""
        self._inside[entry.arrival] = entry
        self.held_bytes += entry.size
        if self._cheapest:
            heapq.heappush(self._cheapest, (entry.rank, -entry.arrival))

    def remove(self, entry: Waiting) -> None:
        """Count ``entry`` out."""
        del self._inside[entry.arrival]
        self.held_bytes -= entry.size
        if len(self._cheapest) > 2 * len(self._inside) + 64:
            self._cheapest.clear()

    def has_room(self, entry: Waiting, instead_of: Waiting | None = None) -> bool:
        """Whether ``entry`` fits beside all that is inside, or in the place of one of them."""
        freed = instead_of if instead_of is not None and instead_of.arrival in self._inside else None
        count = len(self._inside) + 1 - (freed is not None)
        size = self.held_bytes + entry.size - (freed.size if freed else 0)
        return count <= self._most_count and size <= self._most_bytes

    def cheaper_than(self, entry: Waiting) -> tuple[Waiting, ...]:
        """The fewest cheapest that make room for ``entry``; none when one ranks as high or is its own sender's."""
        if not self._cheapest:
            self._cheapest = [(other.rank, -other.arrival) for other in self._inside.values()]
            heapq.heapify(self._cheapest)
        count, size = len(self._inside) + 1, self.held_bytes + entry.size
        met: list[Waiting] = []
        while self._cheapest and (count > self._most_count or size > self._most_bytes):
            rank, arrival = self._cheapest[0]
            other = self._inside.get(-arrival)
            if other is not None and (rank >= entry.rank or _same_sender(other, entry)):
                break
            heapq.heappop(self._cheapest)
            if other is not None:
                met.append(other)
                count, size = count - 1, size - other.size
        for other in met:  # whether they go is the caller's to do
            heapq.heappush(self._cheapest, (other.rank, -other.arrival))
        return tuple(met) if count <= self._most_count and size <= self._most_bytes else ()


class Fates:
    """The latest reasons for which transactions left without a block."""

    def __init__(self) -> None:
        self._codes: dict[bytes, str] = {}

    def note(self, transaction_id: bytes, code: str) -> None:
        """Remember why; the oldest is forgotten when there are too many."""
        self._codes[transaction_id] = code
        if len(self._codes) > FATES_KEPT:
            del self._codes[next(iter(self._codes))]

    def of(self, transaction_id: bytes) -> str:
        """The code noted for an id, or an empty text."""
        return self._codes.get(transaction_id, "")


def _same_sender(one: Waiting, other: Waiting) -> bool:
    return one.transaction.body.sender == other.transaction.body.sender
