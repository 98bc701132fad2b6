"""Who says when a node makes blocks: the node itself, or the command that runs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class OwnPace:
    """A node that makes blocks as it likes."""

    def advance(self, height: int) -> None:
        """Let the chain come to a height."""

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is sent meanwhile comes into one block, as far as anybody can see to that."""
        yield
