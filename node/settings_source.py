"""Where a setting stands, and what its writer may have meant: lines, near names, and the environment's spelling."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from fractions import Fraction
from typing import Any

from pydantic import ValidationError

from node.errors import SettingsProblem

PREFIX = "SYNOD_"
_RATIO = re.compile(r"[0-9]{1,40}/[0-9]{1,40}", re.ASCII)
_DIGITS = r"[0-9](_?[0-9]){0,39}"
_DECIMAL = re.compile(rf"[+-]?{_DIGITS}(\.{_DIGITS})?([eE][+-]?[0-9]{{1,2}})?", re.ASCII)


class Source:
    """One settings text with its path and the keys each section may have; gathers problems."""

    def __init__(self, path: str, text: str, keys: Mapping[str, tuple[str, ...]]) -> None:
        self._path = path
        self._lines = text.splitlines()
        self._keys = keys
        self.problems: list[SettingsProblem] = []

    def sections(self, document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """The known keys of each known section; what is unknown becomes a problem."""
        found: dict[str, dict[str, Any]] = {}
        for section, values in document.items():
            if section not in self._keys or not isinstance(values, dict):
                near = nearest(section, tuple(f"[{name}]" for name in self._keys), self._owners(section))
                self._problem(self.line_of(section, ""), section, f"there is no such section or key{near}")
                continue
            found[section] = {key: value for key, value in values.items() if key in self._keys[section]}
            for key in values.keys() - found[section].keys():
                near = nearest(key, self._keys[section], self._owners(key))
                self._problem(self.line_of(section, key), f"{section}.{key}", f"there is no such key{near}")
        self.problems.sort(key=lambda problem: problem.line)
        return found

    def overrides(self, environment: Mapping[str, str]) -> dict[str, dict[str, str]]:
        """Texts by section and key from ``SYNOD_<SECTION>_<KEY>``; an unknown key of a section is a problem."""
        found: dict[str, dict[str, str]] = {}
        for variable in sorted(environment):
            section, _, key = variable.removeprefix(PREFIX).lower().partition("_")
            if not variable.startswith(PREFIX) or section not in self._keys:
                continue
            if key in self._keys[section]:
                found.setdefault(section, {})[key] = environment[variable]
            else:
                before = f"{PREFIX}{section}_".upper()
                names = tuple(name.upper() for name in self._keys[section])
                message = f"there is no such key{nearest(key.upper(), names, (), before)}"
                self.problems.append(SettingsProblem("environment", 0, variable, message))
        return found

    def note(self, section: str, wrong: ValidationError, overridden: Mapping[str, str]) -> None:
        """Keep each problem of a section's values, at its line or at its variable."""
        for error in wrong.errors(include_url=False, include_context=False, include_input=False):
            key = str(error["loc"][0])
            message = error["msg"].replace("Input should be", "it should be")
            message = message.replace("an instance of Fraction", "a ratio, like 0.667")
            if key in overridden:
                variable = f"{PREFIX}{section}_{key}".upper()
                self.problems.append(SettingsProblem("environment", 0, variable, message))
            else:
                self._problem(self.line_of(section, key), f"{section}.{key}", message)

    def line_of(self, section: str, key: str) -> int:
        """The line where ``key`` of ``section`` is stated, else that of the section; 0 when neither is found."""
        inside, section_line = "", 0
        wanted = re.compile(rf"""\s*["']?{re.escape(key)}["']?\s*=""") if key else None
        dotted = re.compile(rf"""\s*["']?{re.escape(section)}["']?\s*(\.\s*["']?{re.escape(key)}["']?\s*)?=""")
        for number, line in enumerate(self._lines, start=1):
            header = re.match(r"""\s*\[\s*["']?([^\]"']*?)["']?\s*\]""", line)
            if header is not None:
                inside = header.group(1)
            if inside == section and header is not None and not section_line:
                section_line = number
            if (inside == section and wanted and wanted.match(line)) or (not inside and dotted.match(line)):
                return number
        return section_line

    def _owners(self, key: str) -> tuple[str, ...]:
        """The sections in which ``key`` would be known."""
        return tuple(f"[{section}]" for section, keys in self._keys.items() if key in keys)

    def _problem(self, line: int, key: str, message: str) -> None:
        self.problems.append(SettingsProblem(self._path, line, key, message))


def nearest(name: str, known: tuple[str, ...], owners: tuple[str, ...], before: str = "") -> str:
    """The rest of a sentence that names what the writer may have meant, with what stands ``before`` every name; empty
    when nothing is near."""
    if owners:
        return f"; it belongs in {' or '.join(owners)}"
    near = get_close_matches(name, known, n=1, cutoff=0.55)
    return f"; did you mean {before}{near[0]}?" if near else ""


def exact(text: str) -> Fraction:
    """A decimal number as the ratio it is; raises ValueError for infinities and absurd exponents."""
    if _DECIMAL.fullmatch(text) is None:
        raise ValueError(f"{text[:40]} is no number a setting can have")
    return Fraction(text)


def in_kind(kind: Any, value: Any) -> Any:
    """``value`` as the key's kind: where a ratio is meant, 1 and "2/3" are ratios too. Others pass unchanged."""
    if kind is Fraction and type(value) is int:
        return Fraction(value)
    if kind is Fraction and isinstance(value, str) and _RATIO.fullmatch(value) and int(value.partition("/")[2]):
        return Fraction(value)
    return value


def from_text(kind: Any, text: str) -> Any:
    """An environment variable's text as the key's kind; what does not fit stays text, and validation says so."""
    if kind is int and re.fullmatch(r"-?[0-9]{1,80}", text, re.ASCII):
        return int(text)
    if kind is Fraction and _DECIMAL.fullmatch(text):
        return Fraction(text)
    if kind is bool and text in ("true", "false"):
        return text == "true"
    return text


def as_toml(value: int | Fraction | str) -> str:
    """A value as a settings file writes it."""
    if isinstance(value, Fraction):
        return _ratio_text(value)
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def _ratio_text(value: Fraction) -> str:
    """The decimal where one is exact, else ``"1/3"``."""
    digits = next((count for count in range(1, 31) if value * 10**count % 1 == 0), None)
    if digits is None:
        return f'"{value.numerator}/{value.denominator}"'
    whole, rest = divmod(int(value * 10**digits), 10**digits)
    return f"{whole}.{rest:0{digits}d}"
