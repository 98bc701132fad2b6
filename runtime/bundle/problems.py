"""What is wrong with a bundle: one value a problem, all problems in one refusal.

    RuntimeRoomError
    |-- BundleMalformed        the bytes are no canonical archive
    `-- BundleRefused          the archive is sound, its content is not; carries every problem found

A problem's `code` is stable and may stand in state; its message is for people and never does.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass

from runtime.errors import RuntimeRoomError


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault, where it is, and what to do about it. Line 0 means the file as a whole."""

    code: str
    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.code}: {self.message}"


class Findings:
    """Collects the problems of one file; a reader goes on after each."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._problems: dict[Problem, None] = {}

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Each problem once, as found."""
        return tuple(self._problems)

    def add(self, problems: Iterable[Problem]) -> None:
        self._problems.update(dict.fromkeys(problems))

    def report(self, code: str, where: int | ast.AST, message: str) -> None:
        """Note a problem at a line, or at the line of a node."""
        line = where if isinstance(where, int) else int(getattr(where, "lineno", 0))
        self._problems[Problem(code, self.file, line, message)] = None


class BundleMalformed(RuntimeRoomError):
    """Bytes that are no bundle archive, or not the canonical one of their content."""

    code = "bundle_malformed"

    def __init__(self, reason: str) -> None:
        super().__init__(f"not a bundle: {reason}; `synod bundle new` begins one, `synod bundle pack` archives it")
        self.reason = reason


class BundleRefused(RuntimeRoomError):
    """A bundle that may not be proposed; `problems` lists all that was found, by file and line."""

    code = "bundle_refused"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.file, problem.line, problem.code)))
        listed = "\n".join(f"  {problem}" for problem in self.problems)
        super().__init__(f"{len(self.problems)} problem(s); mend them and check again, more may show then:\n{listed}")
