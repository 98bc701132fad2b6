"""Where a running node answers: a small file in its home, so that commands given a home find it.

The file is a hint and no claim: a killed node leaves it behind, and what the home's lock says is what counts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from storage.durable import write_document
from storage.home import Home

FILE = "running.json"


@dataclass(frozen=True, slots=True)
class NodeAddress:
    """A node's process and the address of its HTTP face."""

    pid: int
    url: str

    @classmethod
    @contextmanager
    def published(cls, home: Home, url: str) -> Iterator[Self]:
        """The address stands in the home until the context ends."""
        found = cls(os.getpid(), url)
        write_document(home.root / FILE, {"pid": found.pid, "url": found.url})
        try:
            yield found
        finally:
            (home.root / FILE).unlink(missing_ok=True)

    @classmethod
    def of(cls, home: Home) -> Self | None:
        """Where the node of this home says it is, or None when none runs."""
        try:
            document = json.loads((home.root / FILE).read_text(encoding="ascii"))
            found = cls(int(document["pid"]), str(document["url"]))
            os.kill(found.pid, 0)
        except (OSError, ValueError, KeyError, TypeError, OverflowError):
            return None
        return found
