"""A process that commits blocks until it is killed, each a pure function of the state below it and its height.

`python -m tests.storage.committer FOLDER` prints every durable height once it is on disk.
"""

import sys
from pathlib import Path

from storage.blocklog import block_rows
from storage.home import Home
from storage.state import State
from storage.tables import Half
from tests.storage.small_state import ALL_TABLES, FLAGS, PURSES, VOTES, Purse, purse

CYCLE = 12
"""Heights after which the kinds of blocks repeat: waiting and durable writes, a flip, a return or a release."""


def run_block(state: State, height: int) -> None:
    """Commit one block."""
    overlay = state.overlay()
    phase = height % CYCLE
    if phase == 5:
        state.flush()
        builder = state.build_generation(PURSES, b"%d" % height)
        done = builder.cursor
        builder.put_many((key, _doubled(raw)) for key, raw in state.rows(PURSES.name) if done is None or key > done)
        catalogue = state.catalogue.replaced(PURSES, keep_root=state.table_root(PURSES.name))
        overlay.flip(catalogue, {PURSES.name: builder.finish()})
    elif phase == 9:
        overlay.flip(state.catalogue.released() if height % 24 == 9 else _returned(state))
    for place in range(height % 5):
        owner = (height * 31 + place * 17) % 97
        if (height + place) % 4:
            overlay.put(PURSES, (owner,), purse(height * 10 + place))
        else:
            overlay.delete(PURSES, (owner,))
    overlay.put(FLAGS, (), purse(height))
    overlay.put(VOTES, (height % 50, "anna"), purse(height, "yes"))
    rows = block_rows(height, b"block %d" % height, [b"receipt"], [height.to_bytes(32, "big")])
    state.commit(state.prepare(overlay), height, rows, durable=height % 3 == 0)
    state.collect(20)


def _doubled(raw: bytes) -> bytes:
    record: Purse = PURSES.codec.decode(raw)
    return PURSES.codec.encode(record.but(coins=record.coins * 2))


def _returned(state: State):  # type: ignore[no-untyped-def]
    kept = {item.name: item.generation for item in state.catalogue.runtime.kept}
    entries = state.catalogue.row(Half.RUNTIME).entries
    return state.catalogue.with_runtime_tables(
        tuple(entry.but(generation=kept.get(entry.name, entry.generation)) for entry in entries)
    )


def main() -> None:
    state = State.open(Home.open(Path(sys.argv[1])), ALL_TABLES)
    told = state.durable_height
    while True:
        run_block(state, state.height + 1)
        if state.durable_height > told:
            told = state.durable_height
            print(told, flush=True)


if __name__ == "__main__":
    main()
