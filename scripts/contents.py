"""What a proposal would do, in the words of the commands that propose it.

Whoever votes reads this before signing: a value stands as one types it, a rule that stays the usual one is left out,
each act of a batch has a line of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Content = dict[str, Any]
"""A proposal's content, or an act of a batch, as the node shows it."""


def content_rows(content: Content) -> Iterator[tuple[str, str]]:
    """Name and text of each thing that a proposal would do or change."""
    value = content["value"]
    match content["name"]:
        case "parameter_change":
            yield from ((one["name"], number_text(one)) for one in value["values"])
        case "tracks":
            yield from ((f"track {one['name']}", _track(one)) for one in value["tracks"])
            yield from ((one["kind"], f"takes {', '.join(one['tracks']) or 'no track'}") for one in value["routes"])
        case "batch":
            for number, act in enumerate(value["messages"], 1):
                told = "; ".join(f"{name} {text}".rstrip() for name, text in content_rows(act))
                yield (f"{number}. {act['name']}", told)
        case _:
            yield from ((name, plain(part)) for name, part in value.items() if part != [])


def number_text(value: dict[str, str]) -> str:
    """A parameter's value to be: ``7200``, or a ratio such as ``2/5``."""
    return value["number"] if value["per"] == "0" else f"{value['number']}/{value['per']}"


def plain(value: Any) -> str:
    """A value of any shape on one line."""
    if isinstance(value, list):
        return "; ".join(plain(one) for one in value)
    if isinstance(value, dict):
        return " ".join(f"{name}={plain(part)}" for name, part in value.items())
    return str(value)


def _track(change: dict[str, Any]) -> str:
    if change["remove"]:
        return "is taken away"
    rules = [f"{rule} {text}" for rule, text in change["row"].items() if text]
    return f"{', '.join([*rules, 'the rest as usual'])}"
