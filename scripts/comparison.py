"""Two runtimes beside each other, for people and programs: the effect that votes name, and all that changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from runtime.bundle.archive import Bundle
from runtime.bundle.declarations import RuntimeDeclaration
from runtime.bundle.difference import file_changes, manifest_changes, rule_texts
from runtime.bundle.effect import Effect, EffectChange, effect_of
from runtime.bundle.problems import Problem

from .console import columns

HEADER = ("class", "change", "what")
SECTIONS = {
    "call": "calls", "internal": "calls", "query": "queries", "invariant": "invariants", "module": "modules",
    "port": "ports", "supply": "supply",
}  # fmt: skip
"""Where a change is told of, by the first word of its kind; the rest is about tables."""
SHOWN = 60
"""Characters of a manifest's value that a table shows; the file's own diff has all."""


def effect_data(effect: Effect) -> dict[str, Any]:
    """An effect for programs."""
    changes = [{"class": kind, "change": change, "subject": subject} for kind, change, subject in effect.rows()]
    return {
        "from_version": effect.from_version,
        "to_version": effect.to_version,
        "digest": effect.digest.hex(),
        "breaking": effect.breaking,
        "one_way": effect.one_way,
        "supply_change": effect.supply_change,
        "changes": changes,
        "invariants_kept": list(effect.invariants_kept),
    }


def effect_text(effect: Effect) -> str:
    """An effect for people: every change, safe or breaking."""
    table = [columns(effect.rows(), HEADER)] if effect.rows() else []
    return "\n".join([_verdict(effect), *table, *_sums(effect)])


def _verdict(effect: Effect) -> str:
    verdict = "breaking" if effect.breaking else "safe, but without a way back" if effect.one_way else "safe"
    verdict += ": it needs the higher threshold" if effect.needs_more_votes else ""
    return f"from {effect.from_version} to {effect.to_version}, {verdict}"


def _sums(effect: Effect) -> Iterator[str]:
    if effect.supply_change:
        yield f"the migrations change the supply by {effect.supply_change:+,} units"
    yield f"invariants kept: {', '.join(effect.invariants_kept) or 'none'}"
    yield f"effect {effect.digest.hex()}"


def problem_data(problem: Problem) -> dict[str, Any]:
    """A problem for programs."""
    return {"code": problem.code, "file": problem.file, "line": problem.line, "message": problem.message}


class Comparison:
    """An old and a new bundle with what they declare, whether or not the one may follow the other."""

    def __init__(
        self, old: Bundle, new: Bundle, running: RuntimeDeclaration, proposed: RuntimeDeclaration
    ) -> None:
        self.effect = effect_of(running, proposed)
        self.manifest = manifest_changes(running.manifest, proposed.manifest)
        self.files = file_changes(old, new)
        self._rules = {**rule_texts(running), **rule_texts(proposed)}
        self._before = rule_texts(running)

    def data(self) -> dict[str, Any]:
        """For programs."""
        sections: dict[str, list[dict[str, Any]]] = {}
        for change in self.effect.changes:
            shown = {
                "class": "breaking" if change.breaking else "safe", "change": change.kind, "subject": change.subject,
                "detail": self._detail(change),
            }  # fmt: skip
            sections.setdefault(_section(change), []).append(shown)
        return {
            **effect_data(self.effect),
            "manifest": [{"key": one.key, "old": one.old, "new": one.new} for one in self.manifest],
            "files": [{"file": one.file, "state": one.state, "diff": list(one.lines)} for one in self.files],
            "sections": sections,
        }

    def text(self) -> str:
        """For people: the verdict, manifest, each kind of declaration, and the sources line by line."""
        return "\n\n".join(self._parts())

    def _parts(self) -> Iterator[str]:
        yield _verdict(self.effect)
        if self.manifest:
            rows = [(f"  {one.key}", _short(one.old), _short(one.new)) for one in self.manifest]
            yield "manifest\n" + columns(rows, ("  key", "old", "new"))
        for section in dict.fromkeys(map(_section, self.effect.changes)):
            told = [
                ("  breaking" if one.breaking else "  safe", one.kind.replace("_", " "), one.subject, self._detail(one))
                for one in self.effect.changes
                if _section(one) == section
            ]
            yield f"{section}\n{columns(told)}"
        yield "\n".join(_sums(self.effect))
        for one in self.files:
            yield "\n".join((f"{one.file}, {one.state}", *one.lines))

    def _detail(self, change: EffectChange) -> str:
        """The word on a change; of an invariant its rule, as the runtime that has it says it."""
        rules = self._before if change.kind == "invariant_dropped" else self._rules
        return change.detail or (rules.get(change.subject, "") if _section(change) == "invariants" else "")


def _section(change: EffectChange) -> str:
    return SECTIONS.get(change.kind.partition("_")[0], "tables")


def _short(value: str) -> str:
    return value if len(value) <= SHOWN else f"{value[: SHOWN - 3]}..."
