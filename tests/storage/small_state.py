"""A small state for tests: two host tables, two runtime tables, and rows that are easy to tell apart."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from storage.catalogue import Catalogue
from storage.growing import Generation
from storage.home import Home
from storage.overlay import Overlay
from storage.record import Amount, Record, Text, field
from storage.state import CACHED_ROWS, State
from storage.tables import Half, Table, host_table


class Purse(Record):
    coins: Amount = field(1)
    note: Text = field(2, default="")


class DatedPurse(Record):
    coins: Amount = field(1)
    note: Text = field(2, default="")
    since: Amount = field(3, default=0)


VOTES: Table[Purse] = host_table("gov.votes", Purse, key=("amount", "text"), names=("proposal", "voter"))
FLAGS: Table[Purse] = host_table("gov.flags", Purse, key=(), names=())
PURSES: Table[Purse] = Table("bank.purses", Half.RUNTIME, ("amount",), ("owner",), Purse)
STAKES: Table[Purse] = Table("stake.stakes", Half.RUNTIME, ("amount", "amount"), ("owner", "validator"), Purse)
DATED: Table[DatedPurse] = Table("bank.purses", Half.RUNTIME, ("amount",), ("owner",), DatedPurse)

HOST_TABLES: tuple[Table[Any], ...] = (VOTES, FLAGS)
RUNTIME_TABLES: tuple[Table[Any], ...] = (PURSES, STAKES)
ALL_TABLES = HOST_TABLES + RUNTIME_TABLES


def purse(coins: int, note: str = "") -> Purse:
    return Purse(coins=coins, note=note)


def new_state(root: Path, cached_rows: int = CACHED_ROWS) -> State:
    return State.create(Home.create(root), ALL_TABLES, cached_rows)


def reopened(state: State, root: Path, cached_rows: int = CACHED_ROWS) -> State:
    state.close()
    return State.open(Home.open(root), ALL_TABLES, cached_rows)


def commit(state: State, write: Callable[[Overlay], object] = lambda overlay: None, **how: bool) -> None:
    overlay = state.overlay()
    write(overlay)
    state.commit(state.prepare(overlay), state.height + 1, **how)


def put_coins(coins: dict[int, int]) -> Callable[[Overlay], None]:
    def write(overlay: Overlay) -> None:
        for owner, amount in coins.items():
            overlay.put(PURSES, (owner,), purse(amount))

    return write


def coins_of(overlay: Overlay) -> dict[int, int]:
    return {key[0]: record.coins for key, record in overlay.scan(PURSES)}


def built(state: State, coins: dict[int, int], table: Table[Any] = PURSES, label: bytes = b"plan") -> Generation:
    builder = state.build_generation(table, label)
    builder.put_many(packed(coins, table))
    return builder.finish()


def packed(coins: dict[int, int], table: Table[Any] = PURSES) -> Iterable[tuple[bytes, bytes]]:
    rows = [(table.pack((owner,)), table.codec.encode(table.record(coins=amount))) for owner, amount in coins.items()]
    return sorted(rows)


def flip(state: State, catalogue: Catalogue, generations: dict[str, Generation] | None = None) -> None:
    commit(state, lambda overlay: overlay.flip(catalogue, generations))
