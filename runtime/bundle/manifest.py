"""`bundle.toml`: who a bundle is for, its modules in order, what they use, and the ports that join them to the host.

Every key is known, every value exact: no float, no date, no default that hides a typing error. A problem names the
line of its key.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from runtime.bundle.archive import MANIFEST
from runtime.bundle.exacttoml import TableReader, line_of, read_toml
from runtime.bundle.problems import BundleRefused, Problem
from runtime.version import RuntimeVersion

MAX_MODULES = 48
MAX_NOTES = 16 * 1024
MAX_SUPPLY = 2**256 - 1
HOST_NAMES = frozenset({"governance", "host", "invariants", "keys", "upgrade"})
"""What the host's own tables and calls are filed under. Tables are found by name, so a module that took one of these
could declare the host's tables as its own and write keys, votes and plans."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_FULL_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}\.[a-z][a-z0-9_]{0,63}")
_SOURCE = re.compile(r"[a-z][a-z0-9_]{0,58}\.py")
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,63}")
TITLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""What a bundle and a chain may be called."""
PortT = TypeVar("PortT")


@dataclass(frozen=True, slots=True)
class ModuleEntry:
    """One module of the bundle; modules stand in dependency order."""

    name: str
    source: str
    schema: int
    needs: tuple[str, ...]
    """Modules whose tables or calls it relies on; each stands before it."""
    uses: tuple[str, ...]
    """Calls of other modules that it makes, `module.call`."""
    reinstall_from: int = 0
    """The running schema number whose data the module leaves behind, to begin with empty tables; 0 when it goes on with
    what it has."""


@dataclass(frozen=True, slots=True)
class PursePort:
    """Where the host takes fees from and pays to: a field of a table keyed by address."""

    table: str
    field: str


@dataclass(frozen=True, slots=True)
class ValidatorsPort:
    """Where the host reads who validates and with how many coins; keyed by the operator's address."""

    table: str
    tokens: str
    shares: str
    bonded: str
    key: str


@dataclass(frozen=True, slots=True)
class DelegationsPort:
    """Where the host reads who delegated; keyed by owner and validator."""

    table: str
    shares: str


@dataclass(frozen=True, slots=True)
class Ports:
    purse: PursePort | None = None
    validators: ValidatorsPort | None = None
    delegations: DelegationsPort | None = None


PORTS = ("purse", "validators", "delegations")
"""The fields of `Ports`, by name."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle says about itself."""

    name: str
    chain: str
    """The chain's name; empty when packing has not filled it in."""
    version: RuntimeVersion
    host: RuntimeVersion
    """The least host release that can run it."""
    notes: str
    """What users are told; runtime.bundle.upgrade says what they must name."""
    supply_change: int
    """Coins, in units, that its migrations add; negative when they burn."""
    modules: tuple[ModuleEntry, ...]
    requires_pause: bool = False
    """The activating block does more than flip; runtime.bundle.upgrade says when a bundle must say so."""
    renames: tuple[tuple[str, str], ...] = ()
    """(old table, new table), full names."""
    ports: Ports = field(default_factory=Ports)
    source: str = field(default="", compare=False, repr=False)
    """The text it was read from, for the lines of problems."""

    @property
    def reinstalled(self) -> tuple[str, ...]:
        """The modules that begin anew, in order."""
        return tuple(module.name for module in self.modules if module.reinstall_from)

    def module(self, name: str) -> ModuleEntry | None:
        return next((module for module in self.modules if module.name == name), None)

    def problem(self, code: str, near: str, message: str) -> Problem:
        """A problem of the manifest at the line of `near`, a key or what stands beside one."""
        return Problem(code, MANIFEST, line_of(self.source, near), message)


def parse_manifest(source: bytes) -> Manifest:
    """Read a manifest; raises BundleRefused with every problem found in it."""
    text, document = read_toml(MANIFEST, source)
    reader = TableReader(MANIFEST, text)
    manifest = _manifest(reader, document)
    if reader.problems or manifest is None:
        raise BundleRefused(reader.problems)
    return replace(manifest, source=text)


def _manifest(reader: TableReader, document: dict[str, Any]) -> Manifest | None:
    reader.only(document, frozenset({"bundle", "module", "renames", "ports"}), "the manifest")
    known = frozenset({"name", "chain", "version", "host", "notes", "supply_change", "requires_pause"})
    bundle = reader.table(document, "bundle", known)
    if not bundle:
        reader.report("missing_key", "[bundle]", "the [bundle] table is missing")
        return None
    notes = reader.text(bundle, "notes", "", None)
    if len(notes) > MAX_NOTES:
        reader.report("wrong_value", "notes", f"notes of {len(notes)} characters, at most {MAX_NOTES} are allowed")
    return Manifest(
        name=reader.text(bundle, "name", None, TITLE),
        chain=reader.text(bundle, "chain", "", TITLE),
        version=reader.version(bundle, "version"),
        host=reader.version(bundle, "host"),
        notes=notes,
        supply_change=reader.integer(bundle, "supply_change", 0, -MAX_SUPPLY, MAX_SUPPLY),
        modules=_modules(reader, document),
        requires_pause=reader.flag(bundle, "requires_pause"),
        renames=_renames(reader, document),
        ports=_ports(reader, document),
    )


def _modules(reader: TableReader, document: dict[str, Any]) -> tuple[ModuleEntry, ...]:
    listed = document.get("module", [])
    if not isinstance(listed, list) or not listed or not all(isinstance(entry, dict) for entry in listed):
        reader.report("missing_key", "module", "write one [[module]] table for each module")
        return ()
    if len(listed) > MAX_MODULES:
        reader.report("too_many", "module", f"{len(listed)} modules, at most {MAX_MODULES} are allowed")
    entries = tuple(_module(reader, entry) for entry in listed[:MAX_MODULES])
    _check_order(reader, entries)
    return entries


def _module(reader: TableReader, entry: dict[str, Any]) -> ModuleEntry:
    reader.only(entry, frozenset({"name", "source", "schema", "needs", "uses", "reinstall_from"}), "[[module]]")
    return ModuleEntry(
        name=reader.text(entry, "name", None, _NAME),
        source=reader.text(entry, "source", None, _SOURCE),
        schema=reader.integer(entry, "schema", 1, 1, 2**32),
        needs=reader.texts(entry, "needs", _NAME),
        uses=reader.texts(entry, "uses", _FULL_NAME),
        reinstall_from=reader.integer(entry, "reinstall_from", 0, 0, 2**32),
    )


def _check_order(reader: TableReader, entries: tuple[ModuleEntry, ...]) -> None:
    """Names are unique and not the host's, sources unique; a module stands behind every module it needs."""
    seen: dict[str, str] = {}
    for entry in entries:
        near = f'"{entry.name}"'
        if entry.name in seen:
            reader.report("repeated", near, f"the module {entry.name!r} stands twice")
        if entry.name in HOST_NAMES:
            reader.report("reserved_name", near, f"{entry.name!r} is a name of the host's own; choose another")
        if entry.source in seen.values():
            reader.report("repeated", entry.source, f"two modules have the source {entry.source!r}")
        for needed in entry.needs:
            if needed not in seen:
                reader.report("dependency_order", near, f"{entry.name} needs {needed!r}, which must stand before it")
        for used in entry.uses:
            if used.partition(".")[0] not in entry.needs:
                reader.report("undeclared_need", used, f"{entry.name} uses {used!r}; name that module in its needs")
        seen[entry.name] = entry.source


def _renames(reader: TableReader, document: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    renames = reader.table(document, "renames", None)
    pairs = []
    for old, new in renames.items():
        if _FULL_NAME.fullmatch(old) and isinstance(new, str) and _FULL_NAME.fullmatch(new):
            pairs.append((old, new))
        else:
            reader.report("wrong_value", old, 'a rename is "module.old" = "module.new"')
    if len({new for _, new in pairs}) < len(pairs):
        reader.report("repeated", "[renames]", "two tables are renamed to the same name")
    return tuple(sorted(pairs))


def _ports(reader: TableReader, document: dict[str, Any]) -> Ports:
    ports = reader.table(document, "ports", frozenset(PORTS))
    return Ports(
        purse=_port(reader, ports, "purse", ("field",), PursePort),
        validators=_port(reader, ports, "validators", ("tokens", "shares", "bonded", "key"), ValidatorsPort),
        delegations=_port(reader, ports, "delegations", ("shares",), DelegationsPort),
    )


def _port(
    reader: TableReader, ports: dict[str, Any], name: str, fields: tuple[str, ...], make: Callable[..., PortT]
) -> PortT | None:
    if name not in ports:
        return None
    port = reader.table(ports, name, frozenset({"table", *fields}))
    table = reader.text(port, "table", None, _FULL_NAME)
    return make(table, *(reader.text(port, key, None, _FIELD) for key in fields))
