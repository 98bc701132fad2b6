"""Signatures are verified once, in batches, on two threads.

OpenSSL verifies without the interpreter's lock, but a thread that comes back for the lock after every signature waits
behind busy Python code each time. So signatures are gathered: arrivals for at most 2 ms, a block's unknown ones at
once and *before* its execution, never beside it. A verdict is a pure function of key, message and signature; only good
ones are remembered, by transaction id and key, so that a block does not verify again what the mempool did, and
garbage cannot push out what is good. When a key rotates, the pair changes and the signature is looked at again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import islice
from threading import Lock
from typing import Self

import msgspec

from node.errors import NotReady
from runtime.keys import verify
from runtime.transaction import SignedTransaction

INLINE = 4
"""Up to so many are verified where they are asked for: handing them over would cost more."""
BATCH = 256
"""So many arrivals are verified without waiting for more."""


class Claim(msgspec.Struct, frozen=True):
    """That ``public`` signed ``message``; ``id`` is the transaction's, which fixes message and signature."""

    id: bytes
    public: bytes
    message: bytes
    signature: bytes

    @classmethod
    def of(cls, transaction: SignedTransaction, public: bytes) -> Self:
        """The claim that ``public`` signed ``transaction``."""
        return cls(transaction.id, public, transaction.message, transaction.signature)

    def holds(self) -> bool:
        """Verify, whatever is remembered."""
        return verify(self.public, self.message, self.signature)


Waiting = tuple[Claim, asyncio.Future[bool]]


class KnownSignatures:
    """The pairs (transaction id, key) that held, the latest ``limit`` of them. Safe between threads."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pairs: dict[tuple[bytes, bytes], None] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._pairs)

    def __contains__(self, claim: Claim) -> bool:
        return (claim.id, claim.public) in self._pairs

    def has(self, transaction_id: bytes, public: bytes) -> bool:
        """Whether the pair is remembered, without making a claim of it."""
        return (transaction_id, public) in self._pairs

    def add(self, claims: Sequence[Claim]) -> None:
        """Remember that these held; the oldest go when there are too many."""
        with self._lock:
            for claim in claims:
                self._pairs[(claim.id, claim.public)] = None
            for pair in list(islice(self._pairs, max(0, len(self._pairs) - self._limit))):
                del self._pairs[pair]


class Verifier:
    """The pool of two, and what it already knows. Close it, or use it as a context."""

    def __init__(self, threads: int = 2, gather_ms: int = 2, remember: int = 65_536) -> None:
        self._threads = threads
        self._gather_s = gather_ms / 1000
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="verify")
        self.known = KnownSignatures(remember)
        self.verified = 0
        """Signatures looked at so far, remembered ones not counted."""
        self._count = Lock()
        self._waiting: list[Waiting] = []
        self._flush_at: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the pool's threads after what they are doing."""
        self._pool.shutdown(cancel_futures=True)

    def check_all(self, claims: Sequence[Claim]) -> list[bool]:
        """Verdicts in the order of ``claims``; for the executor thread, which waits, so that no Python competes."""
        unknown = [claim for claim in claims if claim not in self.known]
        if len(unknown) <= INLINE:
            held = self._verify(unknown)
        else:
            held = [verdict for future in self._split(unknown) for verdict in future.result()]
        if len(unknown) == len(claims):
            return held
        verdicts = iter(held)
        good = {id(claim): next(verdicts) for claim in unknown}
        return [good.get(id(claim), True) for claim in claims]

    async def check(self, claim: Claim) -> bool:
        """One arrival's verdict, verified together with those that come within the gathering time."""
        if claim in self.known:
            return True
        loop = asyncio.get_running_loop()
        verdict: asyncio.Future[bool] = loop.create_future()
        self._waiting.append((claim, verdict))
        if len(self._waiting) >= BATCH:
            self._flush(loop)
        elif self._flush_at is None:
            self._flush_at = loop.call_later(self._gather_s, self._flush, loop)
        return await verdict

    def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._flush_at is not None:
            self._flush_at.cancel()
            self._flush_at = None
        batch, self._waiting = self._waiting, []
        share = -(-len(batch) // self._threads)
        for start in range(0, len(batch), max(share, 1)):
            part = batch[start : start + share]
            try:
                done = self._pool.submit(self._verify, [claim for claim, _ in part])
            except RuntimeError:
                _give_up(part)
            else:
                done.add_done_callback(partial(_hand_over, loop, part))

    def _split(self, claims: list[Claim]) -> list[Future[list[bool]]]:
        share = -(-len(claims) // self._threads)
        return [
            self._pool.submit(self._verify, claims[start : start + share]) for start in range(0, len(claims), share)
        ]

    def _verify(self, claims: Sequence[Claim]) -> list[bool]:
        verdicts = [claim.holds() for claim in claims]
        self.known.add([claim for claim, held in zip(claims, verdicts, strict=True) if held])
        with self._count:
            self.verified += len(claims)
        return verdicts


def _hand_over(loop: asyncio.AbstractEventLoop, part: list[Waiting], result: Future[list[bool]]) -> None:
    with suppress(RuntimeError):  # the loop is closed: nobody waits any more
        loop.call_soon_threadsafe(_settle, part, result)


def _settle(part: list[Waiting], result: Future[list[bool]]) -> None:
    """Hand verdicts to those who wait; a waiter that gave up is passed over."""
    if result.cancelled():
        return _give_up(part)
    for (_, waiter), held in zip(part, result.result(), strict=True):
        if not waiter.done():
            waiter.set_result(held)
    return None


def _give_up(part: list[Waiting]) -> None:
    """The pool is closed: tell everybody who waits."""
    for _, waiter in part:
        if not waiter.done():
            waiter.set_exception(NotReady("the node is stopping: send the transaction to another node, or again later"))
