"""A home whose rows at each commit are known, so that what opens later can be compared with what must be there."""

from pathlib import Path

from storage.engine import Engine
from storage.headfile import Head, create_head, settle_head, write_head
from storage.home import Home
from storage.rows import META_KEY

Rows = dict[bytes, bytes]


def rows_of(commit: int, size: int = 40) -> dict[bytes, bytes | None]:
    """What one commit writes: new rows, some overwritten ones, and a deletion."""
    written: dict[bytes, bytes | None] = {
        b"t%05d" % (commit * 977 % 3001 + number * 61 % 500): b"%d/%d " % (commit, number) + b"." * (number % 60)
        for number in range(size)
    }
    written[b"t%05d" % (commit * 31 % 3001)] = None
    return written


def head_of(commit: int) -> Head:
    return Head(commit, commit, commit.to_bytes(32, "big"), b"h" * 32, b"r" * 32)


def content_at(commit: int, size: int = 40) -> Rows:
    """All rows of a home after this commit, the copy of the head among them."""
    rows: dict[bytes, bytes | None] = {META_KEY: head_of(commit).to_bytes()}
    for each in range(1, commit + 1):
        rows.update(rows_of(each, size))
    return {key: value for key, value in sorted(rows.items()) if value is not None}


def new_home(root: Path, buffer_bytes: int = 64 << 10) -> tuple[Home, Engine]:
    home = Home.create(root)
    engine = Engine.create(home.database, buffer_bytes=buffer_bytes)
    engine.write([(META_KEY, head_of(0).to_bytes())], sync=True)
    create_head(home.head_file, head_of(0))
    return home, engine


def commit_up_to(home: Home, engine: Engine, first: int, last: int, size: int = 40) -> None:
    for commit in range(first, last + 1):
        engine.write([*rows_of(commit, size).items(), (META_KEY, head_of(commit).to_bytes())], sync=True)
        write_head(home.head_file, head_of(commit))


def open_whole(home: Home) -> tuple[Head, Rows]:
    """Open as a node does at start, read everything, close. Raises whatever is wrong."""
    engine = Engine.open(home.database)
    try:
        rows = dict(engine.iterate(None, None))
        backward = dict(engine.iterate(None, None, reverse=True))
        assert rows == backward
        assert all(engine.get(key) == value for key, value in rows.items())
        return settle_head(home.head_file, Head.from_bytes(rows[META_KEY])), rows
    finally:
        engine.close()
