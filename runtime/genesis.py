"""The first state of a chain: identity, keys, parameters, the genesis bundle, and the rows its modules start with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from runtime.accounts import ACCOUNTS, Account
from runtime.bundle.archive import Bundle
from runtime.bundle.checker import check_bundle
from runtime.bundle.loader import LoadedRuntime
from runtime.bundles import store_bundle
from runtime.chain import RUNTIME_ROOM_TABLES
from runtime.coordinator import Coordinator
from runtime.errors import GenesisRefused
from runtime.host import HostContext, HostModule
from runtime.identity import CHAIN, ChainIdentity
from runtime.invariants.counters import SUPPLY_ID, counters_of
from runtime.invariants.recount import broken_rules, count_rows, replace
from runtime.library import runtime_of
from runtime.parameters import RUNTIME_PARAMETERS, Parameters, set_defaults
from runtime.plans import RUNNING, Running
from runtime.purse import SUPPLY, Purse, Supply
from runtime.registry import register_host, register_runtime
from storage.errors import InvalidKey, InvalidRecord
from storage.home import Home
from storage.overlay import Overlay
from storage.record import Record
from storage.state import State
from storage.tables import Table

GENESIS_PUBLISHER = bytes(20)

ModuleRow = tuple[str, tuple[Any, ...], dict[str, Any]]
"""Full table name, key values, field values."""
HostRow = tuple[Table[Any], tuple[Any, ...], Record]


@dataclass(frozen=True, slots=True)
class GenesisState:
    """What a genesis document comes to, in the terms of this room."""

    identity: ChainIdentity
    bundle: Bundle
    host_release: str
    keys: Iterable[tuple[bytes, bytes, bool]]
    """Address, public key, whether it is a substitute."""
    rows: Iterable[ModuleRow]
    parameters: Mapping[str, int | Fraction] = field(default_factory=dict)
    host_rows: Iterable[HostRow] = ()
    """Rows that host modules begin with, such as the guardian."""
    last: Callable[[HostContext], None] = lambda context: None
    """What is written once every module has its first rows, by the rules that these keep."""


def create_chain_state(
    home: Home, genesis: GenesisState, modules: tuple[HostModule, ...], cached_rows: int | None = None
) -> State:
    """Make the state of a new chain at height 0 in an empty home.

    Raises BundleRefused for a genesis bundle that does not check, GenesisRefused for rows that break its invariants.
    """
    check_bundle(genesis.bundle, chain=genesis.identity.chain_name, host_release=genesis.host_release)
    loaded = runtime_of(genesis.bundle)
    tables = (*RUNTIME_ROOM_TABLES, *(table for module in modules for table in module.tables), *loaded.tables.values())
    state = State.create(home, tables) if cached_rows is None else State.create(home, tables, cached_rows)
    try:
        overlay = state.overlay()
        _fill(overlay, genesis, loaded, modules)
        state.commit(state.prepare(overlay), genesis.identity.initial_height)
    except BaseException:
        state.close()
        raise
    return state


def _fill(overlay: Overlay, genesis: GenesisState, loaded: LoadedRuntime, modules: tuple[HostModule, ...]) -> None:
    overlay.put(CHAIN, (), genesis.identity)
    store_bundle(overlay, genesis.bundle, GENESIS_PUBLISHER, genesis.identity.initial_height)
    version = str(loaded.declaration.manifest.version)
    overlay.put(RUNNING, (), Running(code_hash=genesis.bundle.code_hash, version=version))
    register_host(overlay, "host", (rule.name for rule in RUNTIME_PARAMETERS))
    register_runtime(overlay, loaded.declaration, 0)
    rules = (*RUNTIME_PARAMETERS, *(rule for module in modules for rule in module.parameters))
    set_defaults(overlay, rules, dict(genesis.parameters))
    for address, key, substitute in genesis.keys:
        overlay.put(ACCOUNTS, (address,), Account(key=key, substitute=substitute))
    for table, row_key, record in genesis.host_rows:
        overlay.put(table, row_key, record)
    for name, row_key, values in genesis.rows:
        _put_row(overlay, loaded, name, row_key, values)
    context = _context(overlay, genesis, loaded, rules)
    for module in modules:
        module.init_genesis(context)
    genesis.last(context)
    _count(overlay, loaded, held=context.purse.supply().held)


def _put_row(
    overlay: Overlay, loaded: LoadedRuntime, name: str, key: tuple[Any, ...], values: dict[str, Any]
) -> None:
    table = loaded.tables.get(name)
    if table is None:
        raise GenesisRefused(f"the bundle has no table {name} for the genesis rows")
    try:
        overlay.put(table, key, table.record(**values))
    except (TypeError, InvalidRecord, InvalidKey) as wrong:
        raise GenesisRefused(f"the genesis row {key} of {name} fits no record of the bundle: {wrong}") from wrong


def _count(overlay: Overlay, loaded: LoadedRuntime, held: int) -> None:
    counters = counters_of(loaded.declaration)

    def rows_of(name: str) -> Iterable[tuple[bytes, Any]]:
        table = loaded.tables[name]
        return ((table.pack(key), record) for key, record in overlay.scan(table))

    counted = count_rows(counters, rows_of)
    try:
        replace(overlay, counted, keep=frozenset())
    except InvalidRecord as too_large:
        raise GenesisRefused("the genesis rows add up to more than an amount can hold") from too_large
    overlay.put(SUPPLY, (), Supply(total=counted.get((SUPPLY_ID, b""), 0) + held, held=held))
    broken = broken_rules(overlay, counters, loaded.tables)
    if broken:
        raise GenesisRefused(f"the genesis rows break {', '.join(broken)}")


def _context(overlay: Overlay, genesis: GenesisState, loaded: LoadedRuntime, rules: tuple[Any, ...]) -> HostContext:
    height = genesis.identity.initial_height
    parameters = Parameters(overlay, height)
    port = loaded.declaration.manifest.ports.purse
    assert port is not None, "the checker admits no runtime without a purse"
    return HostContext(
        overlay=overlay,
        height=height,
        chain_id=genesis.identity.chain_id,
        chain_name=genesis.identity.chain_name,
        sender=b"",
        runtime=loaded,
        parameters=parameters,
        purse=Purse(overlay, loaded.tables[port.table], port.field),
        coordinator=Coordinator(overlay, height, parameters, []),
        rules=rules,
        reconcile=True,
    )
