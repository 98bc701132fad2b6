"""The operator's token: what tells the operator's requests from everybody's, for one run of a node.

It is made afresh at each start and stands in the home, in a file that its owner alone may read, until the node stops.
So whoever may read the home's files may act on its node, and nobody else; a token that leaked is worth nothing after
the next start.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from node.errors import OperatorTokenUnreadable
from storage.faults import fault_of
from storage.home import Home

FILE = "operator-token"
TOKEN_BYTES = 32


@contextmanager
def published_token(home: Home) -> Iterator[str]:
    """A new token stands in the home until the context ends. Raises DiskFull, DiskError."""
    path, aside = home.root / FILE, home.root / f"{FILE}.new"
    token = secrets.token_hex(TOKEN_BYTES)
    try:
        aside.unlink(missing_ok=True)
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(f"{token}\n")
        aside.replace(path)
    except OSError as error:
        raise fault_of(path, error) from error
    try:
        yield token
    finally:
        path.unlink(missing_ok=True)


def read_token(home: Home) -> str:
    """The token of the node that runs on a home; raises OperatorTokenUnreadable."""
    path = home.root / FILE
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as reason:
        raise OperatorTokenUnreadable(str(path), str(reason)) from None
