"""TOML without surprises: bounded before it is parsed, no float, every value asked for by its type and bounds.

A reader collects problems, each with the line where the key stands, instead of stopping at the first.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any, Never

from runtime.bundle.archive import MAX_FILE
from runtime.bundle.problems import BundleRefused, Problem
from runtime.errors import VersionInvalid
from runtime.version import RuntimeVersion

_MAX_NESTING = 16
_MAX_DOTS = 64
"""Dots outside of texts: each dot of a key nests one deeper, and the parser takes time by their square."""
_MAX_WORD = 128
"""Letters and digits in a row outside of texts; Python's own bound of a number's digits can be set from outside."""
_MAX_LINES = 2_000
"""Lines outside of texts."""
MAX_PROBLEMS = 100
"""Problems reported of one file; finding each one's line takes time."""
_TEXTS = re.compile(
    r'''"""(?:\\.|[^\\])*?"{3,5}|\'{3}.*?\'{3,5}|"(?:\\[^\n]|[^"\\\n])*"|\'[^\'\n]*\'|\#[^\n]*''', re.DOTALL
)
_LONG_WORD = re.compile(rf"[0-9A-Za-z_+-]{{{_MAX_WORD + 1}}}")


def read_toml(file: str, source: bytes) -> tuple[str, dict[str, Any]]:
    """The text and what it says; raises BundleRefused when it cannot be read."""
    if len(source) > MAX_FILE:
        _refuse(file, "too_long", 0, f"{len(source)} bytes, at most {MAX_FILE} are allowed")
    try:
        text = source.decode("utf-8")
    except UnicodeDecodeError:
        _refuse(file, "not_utf8", 0, "the manifest is not UTF-8 text")
    if _deepest_nesting(text) > _MAX_NESTING:
        _refuse(file, "too_nested", 0, f"brackets nest deeper than {_MAX_NESTING}")
    _require_small(file, text, _TEXTS.sub('""', text))
    try:
        return text, tomllib.loads(text, parse_float=_no_float)
    except ValueError as error:
        found = re.search(r"at line (\d+)", str(error))
        _refuse(file, "not_toml", int(found[1]) if found else 0, "the manifest is not readable as TOML without floats")


def _require_small(file: str, text: str, bare: str) -> None:
    """Refuse what the parser would take too long or too deep for; ``bare`` is the text without texts and comments."""
    if bare.count(".") > _MAX_DOTS:
        _refuse(file, "too_nested", 0, f"more than {_MAX_DOTS} dots outside of texts: write tables, not dotted keys")
    if bare.count("\n") > _MAX_LINES:
        _refuse(file, "too_long", 0, f"more than {_MAX_LINES} lines")
    if found := _LONG_WORD.search(bare):
        line = text.count("\n", 0, text.index(found[0])) + 1
        _refuse(file, "too_long", line, f"a name or number of more than {_MAX_WORD} characters")


def _refuse(file: str, code: str, line: int, message: str) -> Never:
    raise BundleRefused([Problem(code, file, line, message)])


def _no_float(text: str) -> Never:
    raise ValueError(f"{text} is a float")


def _deepest_nesting(text: str) -> int:
    """An upper bound of how deep the parser will go, brackets in strings counted too."""
    depth = deepest = 0
    for character in text:
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth = max(0, depth - 1)
    return deepest


def _shown(value: object) -> str:
    """A wrong value as a message may quote it: neither long nor deep."""
    return repr(value[:64]) if isinstance(value, str) else f"({type(value).__name__})"


def line_of(text: str, near: str) -> int:
    """The line that begins with `near`, or else the first that holds it; 0 when none does."""
    if text.startswith(near):
        return 1
    begins = text.find(f"\n{near}")
    found = begins + 1 if begins >= 0 else text.find(near)
    return text.count("\n", 0, found) + 1 if found >= 0 else 0


class TableReader:
    """Takes values out of the document, collecting problems instead of stopping at the first."""

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self.problems: list[Problem] = []
        self._text = text

    def report(self, code: str, near: str, message: str) -> None:
        """Note a problem at the line of `near`; at most MAX_PROBLEMS."""
        if len(self.problems) == MAX_PROBLEMS:
            return
        self.problems.append(Problem(code, self._file, line_of(self._text, near), message))

    def table(self, parent: dict[str, Any], key: str, known: frozenset[str] | None) -> dict[str, Any]:
        value = parent.get(key, {})
        if not isinstance(value, dict):
            self.report("wrong_type", key, f"{key} must be a table")
            return {}
        if known is not None:
            self.only(value, known, key)
        return value

    def only(self, table: dict[str, Any], known: frozenset[str], where: str) -> None:
        for key in sorted(set(table) - known):
            self.report("unknown_key", key, f"{where} has no key {key!r}; it knows {', '.join(sorted(known))}")

    def text(self, table: dict[str, Any], key: str, default: str | None, pattern: re.Pattern[str] | None) -> str:
        value = table.get(key, default)
        if value is None:
            self.report("missing_key", key, f"the key {key!r} is missing")
        elif not isinstance(value, str) or (value != default and pattern and not pattern.fullmatch(value)):
            self.report("wrong_value", key, f"{key} = {_shown(value)} is not a value it can have")
        else:
            return value
        return ""

    def texts(self, table: dict[str, Any], key: str, pattern: re.Pattern[str]) -> tuple[str, ...]:
        value = table.get(key, [])
        if isinstance(value, list) and all(isinstance(item, str) and pattern.fullmatch(item) for item in value):
            if len(set(value)) == len(value):
                return tuple(value)
            self.report("repeated", key, f"{key} names something twice")
        else:
            self.report("wrong_value", key, f"{key} must be a list of names")
        return ()

    def integer(self, table: dict[str, Any], key: str, default: int, least: int, most: int) -> int:
        value = table.get(key, default)
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        self.report("wrong_value", key, f"{key} must be an integer from {least} to {most}")
        return default

    def flag(self, table: dict[str, Any], key: str) -> bool:
        value = table.get(key, False)
        if not isinstance(value, bool):
            self.report("wrong_value", key, f"{key} must be true or false")
        return value is True

    def version(self, table: dict[str, Any], key: str) -> RuntimeVersion:
        text = self.text(table, key, None, None)
        try:
            return RuntimeVersion.parse(text)
        except VersionInvalid:
            if text:
                self.report("wrong_value", key, f"{key} = {text!r} is no version; write three numbers, 1.2.3")
            return RuntimeVersion(0, 0, 0)
