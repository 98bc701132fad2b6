"""The codec by itself, and the state at many keys."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter, thread_time
from timeit import timeit

from storage.codec import codec_of
from storage.engine import Engine
from storage.home import Home
from storage.record import Amount, Record, field
from storage.state import State
from storage.tables import Half, Table

TIMES = 200_000
BATCHES = (100, 1_000, 10_000)
UPDATES = 100_000
"""At each size of batch, after a tenth of that to warm up."""


class Purse(Record):
    """An account's record of three fields."""

    balance: Amount = field(1)
    nonce: Amount = field(2, default=0)
    since: Amount = field(3, default=0)


PURSES: Table[Purse] = Table(
    name="bench.purses", half=Half.RUNTIME, key=("address",), key_names=("owner",), record=Purse
)


def codec(folder: Path, accounts: int) -> list[tuple[str, str, str]]:
    """Encoding and decoding one account record, and one with an amount that msgpack's integers cannot hold."""
    purses = codec_of(Purse)
    found = []
    for name, balance in (("an account record", 10**12), ("one above 64 bits", 1 << 100)):
        record = Purse(balance=balance, nonce=7, since=100_000)
        raw = purses.encode(record)
        found.append((f"encode {name}", f"{_microseconds(lambda r=record: purses.encode(r)):.2f} us", ""))  # type: ignore[misc]
        found.append((f"decode {name}", f"{_microseconds(lambda r=raw: purses.decode(r)):.2f} us", ""))  # type: ignore[misc]
    return found


def _microseconds(call: Callable[[], object]) -> float:
    """What one call takes."""
    return timeit(call, number=TIMES) / TIMES * 1e6


def updates(folder: Path, accounts: int) -> list[tuple[str, str, str]]:
    """Random updates with roots and a synced commit for each batch: the median batch, and the executor's CPU time."""
    chance = random.Random(1)
    keys = [chance.randbytes(20) for _ in range(accounts)]
    state = _settled_state(folder / "home", keys)
    found = []
    for batch in BATCHES:
        rate, cpu = _rate(state, keys, batch, chance)
        aim = f"{'to reach: 80,000/s; ' if batch == BATCHES[-1] else ''}{cpu * 1e6:.1f} us CPU each"
        found.append((f"state updates at {accounts:,} keys, batches of {batch:,}", f"{rate:,.0f}/s", aim))
    state.close()
    return found


def _settled_state(folder: Path, keys: list[bytes]) -> State:
    """A state of these keys whose files LevelDB has put in order and whose rows were read once, as in a node that has
    run for a while: neither is what an update costs."""
    home = Home.create(folder)
    state = State.create(home, (PURSES,))
    _put_all(state, keys, 1)
    state.close()
    engine = Engine.open(home.database)
    engine.compact_range()
    engine.close()
    state = State.open(home, (PURSES,))
    for first in range(0, len(keys), BATCHES[-1]):
        overlay = state.overlay()
        for key in keys[first : first + BATCHES[-1]]:
            overlay.get(PURSES, (key,))
    return state


def _put_all(state: State, keys: list[bytes], balance: int) -> None:
    """One synced block; its overlay is gone afterwards, so that no collection of garbage walks it."""
    overlay = state.overlay()
    for key in keys:
        overlay.put(PURSES, (key,), Purse(balance=balance))
    state.commit(state.prepare(overlay), state.height + 1)


def _rate(state: State, keys: list[bytes], batch: int, chance: random.Random) -> tuple[float, float]:
    """Updates a second in the median batch, and CPU seconds of this thread for one update."""
    rounds = max(1, UPDATES // batch)
    walls, cpus = [], []
    for number in range(-max(1, rounds // 10), rounds):
        picked = chance.sample(keys, batch)
        began, worked = perf_counter(), thread_time()
        _put_all(state, picked, batch + number + 2)
        if number >= 0:
            walls.append(perf_counter() - began)
            cpus.append(thread_time() - worked)
    return batch / median(walls), median(cpus) / batch
