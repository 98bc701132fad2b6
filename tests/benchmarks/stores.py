"""The codec by itself, and the state at many keys."""

from __future__ import annotations

import random
from pathlib import Path
from time import perf_counter

from storage.codec import codec_of
from storage.home import Home
from storage.record import Amount, Record, field
from storage.state import State
from storage.tables import Half, Table

TIMES = 200_000
BATCHES = (100, 1_000, 10_000)
UPDATES = 100_000


class Purse(Record):
    """An account's record of three fields."""

    balance: Amount = field(1)
    nonce: Amount = field(2, default=0)
    since: Amount = field(3, default=0)


PURSES: Table[Purse] = Table(
    name="bench.purses", half=Half.RUNTIME, key=("address",), key_names=("owner",), record=Purse
)


def codec(folder: Path, accounts: int) -> list[tuple[str, str, str]]:
    """Encoding and decoding one account record."""
    purses = codec_of(Purse)
    record = Purse(balance=10**12, nonce=7, since=100_000)
    raw = purses.encode(record)
    began = perf_counter()
    for _ in range(TIMES):
        purses.encode(record)
    encoded = perf_counter()
    for _ in range(TIMES):
        purses.decode(raw)
    decoded = perf_counter()
    return [
        ("encode an account record", f"{(encoded - began) / TIMES * 1e6:.2f} us", ""),
        ("decode an account record", f"{(decoded - encoded) / TIMES * 1e6:.2f} us", ""),
    ]


def updates(folder: Path, accounts: int) -> list[tuple[str, str, str]]:
    """Random updates with roots and a synced commit for each batch."""
    chance = random.Random(1)
    keys = [chance.randbytes(20) for _ in range(accounts)]
    state = State.create(Home.create(folder / "home"), (PURSES,))
    overlay = state.overlay()
    for key in keys:
        overlay.put(PURSES, (key,), Purse(balance=1))
    state.commit(state.prepare(overlay), 1)
    found = []
    for batch in BATCHES:
        rate = _rate(state, keys, batch, chance)
        aim = "to reach: 80,000/s" if batch == BATCHES[-1] else ""
        found.append((f"state updates at {accounts:,} keys, batches of {batch:,}", f"{rate:,.0f}/s", aim))
    state.close()
    return found


def _rate(state: State, keys: list[bytes], batch: int, chance: random.Random) -> float:
    rounds = max(1, UPDATES // batch)
    chosen = [chance.sample(keys, batch) for _ in range(rounds)]
    began = perf_counter()
    for number, picked in enumerate(chosen):
        overlay = state.overlay()
        for key in picked:
            overlay.put(PURSES, (key,), Purse(balance=batch + number + 2))
        state.commit(state.prepare(overlay), state.height + 1)
    return rounds * batch / (perf_counter() - began)
