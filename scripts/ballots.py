"""The ballot of a vote's row, in the words that `node.ballots` reads."""

from __future__ import annotations

from typing import Any

from governance.ballots import Split, ballot_text
from node.ballots import decimal

from .client import Answered


def shown_ballot(row: dict[str, Any]) -> str:
    """The ballot of a vote's row as the node shows it, in the words that `node.ballots.read_ballot` takes."""
    return row["option"] or ",".join(f"{one['option']}={decimal(int(one['weight']))}" for one in row["split"])


def says(row: Answered | None, option: str, split: Split) -> bool:
    """Whether a vote's row is the voter's own and says just this."""
    if row is None or row["steps"] != "0":
        return False
    text = row["option"] or ",".join(f"{one['option']}={one['weight']}" for one in row["split"])
    return text == ballot_text(option, split)
