"""The parts of the mempool: one waiting transaction, a lane with its bounds, and what became of those that left."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

from runtime.transaction import SignedTransaction

FATES_KEPT = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Waiting:
    """A transaction in the pool."""

    transaction: SignedTransaction
    fee: int
    """What it offers; 0 for a host call, whatever its body says."""
    host: bool
    end: int
    """Dropped when this height is committed."""
    arrival: int
    rate: int = field(init=False)
    """What orders it: fee for its bytes, in 2**-20 units a byte; host calls stand above every fee."""

    def __post_init__(self) -> None:
        rate = 1 << 300 if self.host else (self.fee << 20) // self.size
        object.__setattr__(self, "rate", rate)

    @property
    def size(self) -> int:
        """Raw bytes."""
        return len(self.transaction.raw)

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
        """Heap of (rate, -arrival): among equals the latest goes first. Holds stale pairs, skipped when met."""
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._inside)

    def add(self, entry: Waiting) -> None:
        """Count ``entry`` in."""
        self._inside[entry.arrival] = entry
        self.bytes += entry.size
        heapq.heappush(self._cheapest, (entry.rate, -entry.arrival))

    def remove(self, entry: Waiting) -> None:
        """Count ``entry`` out."""
        del self._inside[entry.arrival]
        self.bytes -= entry.size
        if len(self._cheapest) > 2 * len(self._inside) + 64:
            self._cheapest = [(other.rate, -other.arrival) for other in self._inside.values()]
            heapq.heapify(self._cheapest)

    def has_room(self, entry: Waiting) -> bool:
        """Whether ``entry`` fits beside all that is inside."""
        return len(self._inside) < self._most_count and self.bytes + entry.size <= self._most_bytes

    def cheaper_than(self, entry: Waiting) -> tuple[Waiting, ...]:
        """The fewest cheapest ones that make room for ``entry``; empty when one would pay as much or is its sender's."""
        count, size = len(self._inside), self.bytes + entry.size
        met: list[Waiting] = []
        fits = False
        while self._cheapest and not fits:
            rate, arrival = self._cheapest[0]
            other = self._inside.get(-arrival)
            if other is not None and (rate >= entry.rate or _same_sender(other, entry)):
                break
            heapq.heappop(self._cheapest)
            if other is not None:
                met.append(other)
                fits = count - len(met) < self._most_count and size - sum(o.size for o in met) <= self._most_bytes
        for other in met:  # whether they go is the caller's to do
            heapq.heappush(self._cheapest, (other.rate, -other.arrival))
        return tuple(met) if fits else ()


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
