"""The mempool: transactions that wait for a block, bounded in every direction.

What it keeps, in this order of rules (the first that fails is the refusal's code):

- a transaction is kept once, and no longer than its expiry height or the pool's own lifetime in blocks;
- of one sender, nonces lie within a window from the next one on, and each is held once: a later transaction of the
  same nonce must offer a stated part more fee. Host calls count as offering nothing, so none of them replaces another;
- a sender's waiting fees together stay within what the sender can spend, and each is at the floor or above;
- runtime transactions and host calls have bounds of their own in count and bytes, so that paid traffic never keeps a
  vote out. A full pool makes room only for one that can execute now and ranks above the cheapest: by fee for its
  bytes, host calls by their sender's standing.

While the chain is paused its runtime calls wait here and blocks get host calls only. Whoever has a call waiting can
vote all the same: a host call then takes the place of the sender's own runtime call of the same nonce, and the next
nonce to sign is the first that no host call has.

What a block gets: host calls first, up to half of its bytes, then the highest rank, and each sender's in order of
nonce without a gap. Choosing removes nothing; a block that commits does. At a flip, or when what is stopped changes,
everything is asked again.

Signatures and state are not looked at here: whoever adds brings the facts (`Sender`). Safe between threads.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from threading import RLock

import msgspec

from node.errors import TransactionRefused
from node.lane import HOST_RANK, Fates, Lane, Waiting
from runtime.transaction import SignedTransaction

REFUSALS = {
    "already_known": "the pool holds this very transaction; wait for its receipt",
    "too_large": "more bytes than a transaction may have",
    "expired": "its last height has passed; sign it again with a later one",
    "nonce_used": "a transaction with this nonce was executed before; ask for the account's next nonce",
    "nonce_too_far": "too far ahead of the account's next nonce; wait for the earlier ones",
    "fee_too_low": "below the least fee this node takes",
    "nonce_taken": "another transaction waits with this nonce; offer more fee to replace it",
    "insufficient_funds": "the sender cannot pay this fee and those already waiting",
    "mempool_full": "the pool is full of transactions that pay as much; try later or offer more",
}

_NOBODY: Mapping[int, Waiting] = {}
"""The queue of a sender for whom nothing waits."""

Turn = tuple[int, int, Waiting]
"""What orders the choice: rank, the highest first, then arrival."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the pool; host calls have the same ones again, for themselves."""

    count: int = 20_000
    total_bytes: int = 32 * 1024 * 1024
    transaction_bytes: int = 48 * 1024
    nonce_window: int = 256
    """How many transactions one sender may have waiting, counted from its next nonce."""
    fee_floor: int = 1
    replacement_percent: int = 10
    lifetime: int = 1_000
    """Blocks after which a waiting transaction is dropped."""


class Sender(msgspec.Struct, frozen=True, gc=False):
    """What the latest committed state says of a sender."""

    next_nonce: int
    spendable: int
    """Coin units in its purse."""
    standing: int = 0
    """What orders its host calls, which pay nothing: voting power, so that strangers cannot crowd voters out."""


class Mempool:
    """Waiting transactions by sender and nonce."""

    def __init__(self, limits: Limits, height: int = 0) -> None:
        self.limits = limits
        self.height = height
        self.paused = False
        """Whether the chain is paused; whoever commits keeps it true."""
        self._lock = RLock()
        self._known: dict[bytes, Waiting] = {}
        self._senders: dict[bytes, dict[int, Waiting]] = {}
        self._next: dict[bytes, int] = {}
        self._lanes = {False: Lane(limits.count, limits.total_bytes), True: Lane(limits.count, limits.total_bytes)}
        self._ends: list[tuple[int, bytes]] = []
        self._fates = Fates()
        self._arrivals = 0

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, transaction_id: bytes) -> bool:
        return transaction_id in self._known

    @property
    def total_bytes(self) -> int:
        """Raw bytes of all that waits."""
        return sum(lane.held_bytes for lane in self._lanes.values())

    def get(self, transaction_id: bytes) -> SignedTransaction | None:
        """The waiting transaction of that id."""
        found = self._known.get(transaction_id)
        return None if found is None else found.transaction

    def fate(self, transaction_id: bytes) -> str:
        """Why a transaction that waited here is gone without a block; empty when nothing is known."""
        return self._fates.of(transaction_id)

    def next_nonce(self, address: bytes, committed: int) -> int:
        """The nonce a sender should sign next, given the ``committed`` one: after all that waits without a gap, in a
        pause after the host calls of it."""
        with self._lock:
            queue = self._senders.get(address, {})
            while committed in queue and (queue[committed].host or not self.paused):
                committed += 1
            return committed

    def add(self, transaction: SignedTransaction, sender: Sender, *, host: bool) -> None:
        """Keep ``transaction``, or raise TransactionRefused and keep everything as it was.

        ``host`` says that it is a host call. Its signature must have been verified.
        """
        with self._lock:
            entry = self._entry(transaction, sender, host)
            queue = self._senders.get(transaction.body.sender, _NOBODY)
            refusal = self._refusal(entry, sender) or self._refusal_beside(entry, sender, queue)
            if refusal:
                raise TransactionRefused(refusal, REFUSALS[refusal])
            replaced = queue.get(transaction.body.nonce)
            victims = self._make_room(entry, sender, queue)
            if replaced is not None:
                self._drop(replaced, "replaced")
            for victim in victims:
                self._drop(victim, "crowded_out")
            self._keep(entry, sender)

    def _entry(self, transaction: SignedTransaction, sender: Sender, host: bool) -> Waiting:
        body, size = transaction.body, len(transaction.raw)
        end = self.height + self.limits.lifetime
        if 0 < body.expiry < end:
            end = body.expiry
        if host:
            return Waiting(transaction, size, 0, True, end, self._arrivals, HOST_RANK + sender.standing)
        return Waiting(transaction, size, body.fee, False, end, self._arrivals, (body.fee << 20) // max(size, 1))

    def _refusal(self, entry: Waiting, sender: Sender) -> str:
        """The first rule that the transaction breaks on its own; empty for none."""
        body, limits = entry.transaction.body, self.limits
        if entry.transaction.id in self._known:
            return "already_known"
        if entry.size > limits.transaction_bytes:
            return "too_large"
        if 0 < body.expiry <= self.height:
            return "expired"
        if body.nonce < sender.next_nonce:
            return "nonce_used"
        if body.nonce >= sender.next_nonce + limits.nonce_window:
            return "nonce_too_far"
        return "fee_too_low" if entry.fee < limits.fee_floor and not entry.host else ""

    def _refusal_beside(self, entry: Waiting, sender: Sender, queue: Mapping[int, Waiting]) -> str:
        """The first rule that the transaction breaks beside its sender's others; empty for none."""
        fees = entry.fee
        if queue:
            nonce = entry.transaction.body.nonce
            held = queue.get(nonce)
            if held is not None and not (self.paused and entry.host and not held.host):
                asked = held.fee_to_replace(self.limits.replacement_percent)
                if entry.fee < asked:
                    return "nonce_taken"
            fees += sum(other.fee for taken, other in queue.items() if taken != nonce)
        return "insufficient_funds" if fees > sender.spendable and not entry.host else ""

    def _make_room(self, entry: Waiting, sender: Sender, queue: Mapping[int, Waiting]) -> tuple[Waiting, ...]:
        """The cheapest of the lane that must go for ``entry``; refuses when they pay as much or it cannot run now."""
        lane = self._lanes[entry.host]
        nonce = entry.transaction.body.nonce
        if lane.has_room(entry, queue.get(nonce)):
            return ()
        executable = all(earlier in queue for earlier in range(sender.next_nonce, nonce))
        victims = lane.cheaper_than(entry) if executable and nonce not in queue else ()
        if not victims:
            raise TransactionRefused("mempool_full", REFUSALS["mempool_full"])
        return victims

    def _keep(self, entry: Waiting, sender: Sender) -> None:
        body = entry.transaction.body
        self._arrivals += 1
        self._known[entry.transaction.id] = entry
        queue = self._senders.get(body.sender)
        if queue is None:
            self._senders[body.sender], self._next[body.sender] = {body.nonce: entry}, sender.next_nonce
        else:
            queue[body.nonce] = entry
            self._next[body.sender] = max(sender.next_nonce, self._next[body.sender])
        self._lanes[entry.host].add(entry)
        heapq.heappush(self._ends, (entry.end, entry.transaction.id))

    def _drop(self, entry: Waiting, fate: str) -> None:
        body = entry.transaction.body
        del self._known[entry.transaction.id]
        queue = self._senders[body.sender]
        del queue[body.nonce]
        if not queue:
            del self._senders[body.sender], self._next[body.sender]
        self._lanes[entry.host].remove(entry)
        if fate:
            self._fates.note(entry.transaction.id, fate)

    def take(
        self, most_bytes: int, most_count: int = 1_000_000, host_only: bool = False
    ) -> list[SignedTransaction]:
        """What the next block should hold, in order; nothing is removed. ``host_only``, as in a pause: a sender's host
        calls up to its first other call."""
        host_only = host_only or self.paused
        with self._lock:
            heads = [
                (-entry.rank, entry.arrival, entry)
                for sender, queue in self._senders.items()
                if (entry := queue.get(self._next[sender])) is not None and (entry.host or not host_only)
            ]
            heads.sort()
            return self._choose(heads, most_bytes, most_count, host_only)

    def _choose(
        self, heads: list[Turn], most_bytes: int, most_count: int, host_only: bool
    ) -> list[SignedTransaction]:
        chosen: list[SignedTransaction] = []
        followers: list[Turn] = []
        room, host_room = most_bytes, most_bytes // 2
        for entry in _in_order(heads, followers):
            if len(chosen) == most_count:
                break
            if entry.size > (min(host_room, room) if entry.host else room):
                continue  # this sender's later ones wait behind it
            room -= entry.size
            host_room -= entry.size if entry.host else 0
            body = entry.transaction.body
            chosen.append(entry.transaction)
            following = self._senders[body.sender].get(body.nonce + 1)
            if following is not None and (following.host or not host_only):
                heapq.heappush(followers, (-following.rank, following.arrival, following))
        return chosen

    def committed(self, height: int, ids: Iterable[bytes], nonces: Mapping[bytes, int]) -> None:
        """A block is committed: drop its transactions, what its new next ``nonces`` overtook, and what expired."""
        with self._lock:
            self.height = height
            for transaction_id in ids:
                if transaction_id in self._known:
                    self._drop(self._known[transaction_id], "")
            for address, nonce in nonces.items():
                if address not in self._senders:
                    continue
                for entry in [entry for used, entry in self._senders[address].items() if used < nonce]:
                    self._drop(entry, "nonce_used")
                if address in self._senders:
                    self._next[address] = nonce
            while self._ends and self._ends[0][0] <= height:
                _, transaction_id = heapq.heappop(self._ends)
                late = self._known.get(transaction_id)
                if late is not None and late.end <= height:
                    self._drop(late, "expired")

    def recheck(self, refusal: Callable[[SignedTransaction], str]) -> list[tuple[bytes, str]]:
        """After a flip, or when a module was isolated: drop what ``refusal`` now names a code for; the ids dropped
        with their codes."""
        with self._lock:
            dropped = []
            for entry in list(self._known.values()):
                code = refusal(entry.transaction)
                if code:
                    self._drop(entry, code)
                    dropped.append((entry.transaction.id, code))
            return dropped


def _in_order(heads: list[Turn], followers: list[Turn]) -> Iterator[Waiting]:
    """Sorted heads, and between them those of ``followers``, a heap that grows meanwhile."""
    for head in heads:
        while followers and followers[0] < head:
            yield heapq.heappop(followers)[2]
        yield head[2]
    while followers:
        yield heapq.heappop(followers)[2]
