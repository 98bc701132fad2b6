"""What is recorded and crashed: a whole node on its way through upgrades, and the engine alone with a small buffer.

The node's database is too small for LevelDB to begin logs by itself or to merge sorted files; the engine's does so all
the time. A subject records its own uncrashed run, and holds whatever a crash left to it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from node.rehearsal.world import World
from storage import checkpoint, retention
from storage.engine import Engine
from storage.errors import StoreDamaged
from storage.headfile import Head, settle_head
from storage.home import Home
from storage.rows import META_KEY
from storage.torntail import open_database
from tests.faults.crash.story import STEPS, Player, bundle_of, genesis_of
from tests.faults.crash.twin import Twin, Violation, inspect, live_on, require_no_copy
from tests.storage.small_home import commit_up_to, content_at, head_of, new_home

EVER = 1 << 62
A_FEW = 3
"""Steps that take a node across a turn."""
Mark = Callable[[int], None]
"""Told each height once it is acknowledged."""


class Subject(Protocol):
    """Something that lives in a folder. All but ``begin`` and ``live`` raise Violation, or what the opening raises."""

    kind: str
    seed: int

    def begin(self, root: Path) -> None:
        """Make the folder as it is before the record."""

    def live(self, root: Path, mark: Mark) -> None:
        """The recorded run."""

    def inspect(self, root: Path, promised: int) -> int:
        """Open what a crash left, hold it to the run, and close it; the height at which it stands."""

    def turns(self, height: int) -> bool:
        """Whether a state at this height is worth a few steps more."""

    def recover(self, root: Path, mark: Mark) -> None:
        """Open what a crash left, and take a step."""

    def live_on(self, root: Path, whole: bool = True) -> None:
        """Open what a crash left, and go on to the end of the run, or for a few steps."""

    def document(self) -> dict[str, Any]:
        """What a crashed state is held to, for a file."""


class NodeSubject:
    """A node with upgrades, checkpoints, growth, rollbacks and restarts; heights are blocks'."""

    kind = "node"

    def __init__(self, seed: int, twin: Twin | None = None) -> None:
        self.seed = seed
        self._genesis = genesis_of(seed)
        self._bundle = bundle_of(self._genesis)
        self._twin = twin or Twin()

    def begin(self, root: Path) -> None:
        World.create(root, self._genesis).close()

    def live(self, root: Path, mark: Mark, until: int = EVER) -> None:
        """The recorded run, up to a height."""
        player = self._open(root)
        self._twin.note(player.world.application.state, player.world.home)
        turned: set[int] = set()
        for step in range(STEPS):
            if player.over or player.world.height >= until:
                break
            player.step()
            self._twin.note(player.world.application.state, player.world.home)
            turned.add(player.turned)
            mark(player.world.height)
            if step % 12 == self.seed % 12:
                player.close()
                player = self._open(root)
        player.close()
        if until == EVER:
            self._twin.turns = sorted(turned - {0})

    def inspect(self, root: Path, promised: int) -> int:
        return inspect(root, self._twin, promised)

    def turns(self, height: int) -> bool:
        return height in self._twin.turns or height + 1 in self._twin.turns

    def changes(self) -> list[int]:
        """Heights at which the runtime changes."""
        return self._twin.turns

    def open(self, root: Path) -> None:
        """Start the node and stop it."""
        self._open(root).close()

    def recover(self, root: Path, mark: Mark) -> None:
        player = self._open(root)
        try:
            mark(player.world.height)
            if not player.over:  # beyond the story's end there is no twin
                player.step()
                mark(player.world.height)
        finally:
            player.close()

    def live_on(self, root: Path, whole: bool = True) -> None:
        player = self._open(root)
        try:
            live_on(player, self._twin, STEPS if whole else A_FEW)
        finally:
            player.close()

    def document(self) -> dict[str, Any]:
        return self._twin.to_document()

    def _open(self, root: Path) -> Player:
        return Player(root, self._genesis, self._bundle)


class EngineSubject:
    """Commits of known rows under LevelDB's smallest buffer, with barriers, checkpoints and restarts.

    Between commits come unsynced writes, as when rows that nothing refers to are deleted: LevelDB may begin a new log
    right after one."""

    kind = "engine"
    LAST = 70
    BUFFER = 64 << 10
    ROWS = 120
    LOOSE = b"~"
    """Rows under this prefix are written without a sync: a crash may leave any of them."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def begin(self, root: Path) -> None:
        new_home(root, self.BUFFER)[1].close()

    def live(self, root: Path, mark: Mark, until: int = LAST) -> None:
        """The recorded run, up to a commit."""
        self._go_on(root, until, mark)

    def inspect(self, root: Path, promised: int) -> int:
        home = Home.open(root)
        with home.lock():
            head, rows = self._read(home)
        if head.commit < promised:
            raise Violation(f"it stands at {head.commit}, and {promised} was acknowledged")
        rows = {key: value for key, value in rows.items() if not key.startswith(self.LOOSE)}
        if head != head_of(head.commit) or rows != self._content(head.commit):
            raise Violation(f"other rows than those of commit {head.commit}")
        if damaged := checkpoint.damaged_checkpoints(home):
            raise Violation(f"a listed checkpoint is damaged: {damaged[0]}")
        require_no_copy(home)
        return head.commit

    def turns(self, height: int) -> bool:
        return False

    def recover(self, root: Path, mark: Mark) -> None:
        self._go_on(root, self._read(Home(root))[0].commit + 1, mark)

    def live_on(self, root: Path, whole: bool = True) -> None:
        self._go_on(root, self.LAST, lambda _: None)
        self.inspect(root, self.LAST)

    def document(self) -> dict[str, Any]:
        return {}

    def _content(self, commit: int) -> dict[bytes, bytes]:
        known = _CONTENTS.get(commit)
        if known is None:
            known = _CONTENTS[commit] = content_at(commit, self.ROWS)
        return known

    def _read(self, home: Home) -> tuple[Head, dict[bytes, bytes]]:
        engine = self._open(home)
        try:
            rows = dict(engine.iterate(None, None))
            return settle_head(home.head_file, Head.from_bytes(rows[META_KEY])), rows
        finally:
            engine.close()

    def _go_on(self, root: Path, last: int, mark: Mark) -> None:
        home = Home.open(root)
        with home.lock():
            engine = self._open(home)
            try:
                recorded = engine.get(META_KEY)
                assert recorded is not None
                commit = settle_head(home.head_file, Head.from_bytes(recorded)).commit
                mark(commit)
                while commit < last:
                    commit += 1
                    commit_up_to(home, engine, commit, commit, self.ROWS)
                    mark(commit)
                    engine = self._between(home, engine, commit)
            finally:
                engine.close()

    def _between(self, home: Home, engine: Engine, commit: int) -> Engine:
        turn = commit + self.seed
        if turn % 3:
            loose = [self.LOOSE + b"%d/%d" % (commit, number) for number in range(turn % 7)]
            engine.write([(key, bytes([turn % 256]) * 600) for key in loose], sync=False)
        if turn % 29 == 0:
            engine.barrier()
        if turn % 23 == 0 and not any(one.height == commit for one in checkpoint.list_checkpoints(home)):
            checkpoint.create(home, "test", engine)
            retention.prune(home, 1, {})
        if turn % 37 == 0:
            engine.close()
            return self._open(home)
        return engine

    def _open(self, home: Home) -> Engine:
        return open_database(home, _stands, cache_bytes=8 << 20, buffer_bytes=self.BUFFER)


def _stands(home: Home, engine: Engine) -> None:
    recorded = engine.get(META_KEY)
    if recorded is None:
        raise StoreDamaged(home.database, "it holds no head")
    settle_head(home.head_file, Head.from_bytes(recorded))


_CONTENTS: dict[int, dict[bytes, bytes]] = {}
