"""Bundles made of a few lines, loaded and run on a state of their own, without a node around them."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runtime.bundle.archive import Bundle, of_files
from runtime.bundle.checker import check_bundle
from runtime.bundle.loader import LoadedRuntime, load
from runtime.context import invoke_call, invoke_query
from runtime.errors import HostRefused
from runtime.metering.faults import Fault, HostFault, fault_of
from runtime.metering.meter import Meter
from runtime.parameters import RUNTIME_PARAMETERS
from runtime.receipts import Event
from storage.home import Home
from storage.overlay import Overlay
from storage.state import State

ALICE, BOB = b"a" * 20, b"b" * 20
HEAD = '[bundle]\nname = "small"\nchain = "test"\nversion = "1.0.0"\nhost = "0.1.0"\n'
API = (
    "from runtime.api.v1 import Address, Amount, Context, Data, Flag, Hash, Record, Refused, Text, Variant\n"
    "from runtime.api.v1 import at_most, call, case, count, equal, field, hook, invariant, migration, query, refers\n"
    "from runtime.api.v1 import Frozen, Inputs, Old, table, total, validate\n"
)


def bundle_of(sources: dict[str, str], uses: dict[str, list[str]] | None = None, libraries: str = "") -> Bundle:
    """A bundle of these modules in order, each needing all before it; `libraries` is a source they may import."""
    files = {"bundle.toml": HEAD.encode()}
    before: list[str] = []
    for name, source in sources.items():
        entry = f"[[module]]\nname = '{name}'\nsource = '{name}.py'\n"
        entry += f"schema = {2 if '@migration' in source else 1}\n"
        entry += f"needs = {before}\nuses = {(uses or {}).get(name, [])}\n"
        files["bundle.toml"] += entry.replace("'", '"').encode()
        doc, _, body = textwrap.dedent(source).strip().partition("\n")
        files[f"{name}.py"] = f"{doc}\n{API}{body}\n".encode()
        before.append(name)
    if libraries:
        files["helpers.py"] = textwrap.dedent(libraries).strip().encode() + b"\n"
    return of_files(files)


def loaded_from(bundle: Bundle) -> LoadedRuntime:
    return load(bundle, check_bundle(bundle, chain="test", host_release=None))


@dataclass
class Values:
    """Chain parameters with their defaults; flags by name."""

    flags: set[str] = field(default_factory=set)

    def integer(self, name: str) -> int:
        for rule in RUNTIME_PARAMETERS:
            if rule.name == name:
                return int(rule.default)
        raise HostRefused("unknown_parameter")

    def flag(self, name: str) -> bool:
        return name in self.flags


@dataclass
class SmallChain:
    """The scope of one block; `send` and `ask` do what the host does around a run."""

    overlay: Overlay
    loaded: LoadedRuntime
    height: int = 5
    chain_id: str = "test"
    parameters: Values = field(default_factory=Values)
    events: list[Event] = field(default_factory=list)
    unregistered: frozenset[str] = frozenset()
    isolated: frozenset[str] = frozenset()
    root: Callable[[], bytes] = bytes
    """The runtime root that the writes so far would give."""

    @property
    def registered(self) -> frozenset[str]:
        return frozenset(module.name for module in self.loaded.declaration.modules) - self.unregistered

    def send(self, name: str, *args: Any, sender: bytes = ALICE, steps: int = 200_000, written: int = 65_536) -> Any:
        """Run a call like a transaction: 'ok', or the Fault after its writes are undone."""
        self.meter = Meter(steps, written)
        savepoint, said = self.overlay.savepoint(), len(self.events)
        try:
            invoke_call(self, self.loaded.call_of(name), args, sender, self.meter)
        except (Exception, HostFault) as failure:
            self.overlay.rollback_to(savepoint)
            del self.events[said:]
            return fault_of(failure, self.meter)
        return "ok"

    def ask(self, name: str, *args: Any, steps: int = 200_000) -> Any:
        """The answer of a query, or the Fault."""
        self.meter = Meter(steps, 0)
        module, _, short = name.partition(".")
        try:
            return invoke_query(self, module, short, args, self.meter)
        except (Exception, HostFault) as failure:
            return fault_of(failure, self.meter)

    def rows(self, table: str) -> list[tuple[tuple[Any, ...], Any]]:
        return list(self.overlay.scan(self.loaded.tables[table]))

    def code(self, name: str, *args: Any, **limits: Any) -> str:
        """The code alone."""
        found = self.send(name, *args, **limits)
        return found.code if isinstance(found, Fault) else str(found)


@contextmanager
def small_chain(folder: Path, loaded: LoadedRuntime) -> Iterator[SmallChain]:
    """A chain of this runtime with empty tables."""
    state = State.create(Home.create(folder / "home"), loaded.tables.values())
    try:
        chain = SmallChain(state.overlay(), loaded)
        chain.root = lambda: state.prepare(chain.overlay).runtime_root
        yield chain
    finally:
        state.close()
