"""What the compiler of bundle functions starts from: names with their meanings, host calls, and its refusal."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass


class NotCompilable(Exception):
    """Source that the compiler does not know; the checker should have refused it."""

    def __init__(self, node: ast.AST | None, what: str) -> None:
        self.line = int(getattr(node, "lineno", 0))
        self.what = what
        super().__init__(f"line {self.line}: {what} cannot be metered; write it with what the language of bundles has")


def host(name: str) -> ast.Name:
    """The host function `name`, under the name it is injected as."""
    return ast.Name(f"_{name}", ast.Load())


def call_host(name: str, *args: ast.expr, meter: bool = True) -> ast.Call:
    """A call of a host function, with the meter first."""
    first: list[ast.expr] = [ast.Name("_m", ast.Load())] if meter else []
    return ast.Call(host(name), [*first, *args], [])


class Temporary:
    """A name that bundle code cannot contain."""

    def __init__(self, number: int) -> None:
        self.name = f"_t{number}"

    def store(self) -> ast.Name:
        return ast.Name(self.name, ast.Store())

    def load(self) -> ast.Name:
        return ast.Name(self.name, ast.Load())


@dataclass(frozen=True, slots=True)
class Names:
    """What names at module level mean to the functions of one source."""

    functions: frozenset[str]
    """Pure functions, defined here or imported, that may be called."""
    records: frozenset[str]
    values: frozenset[str]
    """Constants and tables."""
    variants: frozenset[str]
    """Fields, of any record, that hold a variant: reading one gives the record of its case."""
    migrating: frozenset[str]
    """Functions that see records of another runtime, whose variants are not known here."""
    hosts: Mapping[str, Mapping[int, frozenset[str]]]
    """Function -> position of a parameter that holds a host object -> what may be called on it."""


def is_plain(target: ast.expr) -> bool:
    """Names, and tuples or lists of these."""
    if isinstance(target, ast.Tuple | ast.List):
        return all(is_plain(item) for item in target.elts)
    return isinstance(target, ast.Name)
