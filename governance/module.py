"""Governance as one part of the host: its calls, tables, parameters and work at the end of a block.

Order at the end of a block: the electorate follows the block's changes, what ended votes left is forgotten, then
proposals move, then rehearsals, then uploads that have ended are collected. So a vote that opens at the end of a block
counts by the power that this block left, and a plan whose turn has come, whatever ended the one before, gets the
heights of its rehearsals in the same block.
"""

from __future__ import annotations

from typing import Any

from governance.bundles import keep_for_good
from governance.calls import CALLS, MODULE
from governance.closing import close_due, note_plans
from governance.errors import need
from governance.fitting import conflict_in
from governance.following import copy_all, follow
from governance.leftovers import forget
from governance.parameters import GOVERNANCE_PARAMETERS
from governance.presets.default import DEFAULT
from governance.proposals import ROUTED_KINDS
from governance.rehearsals import follow_queue, move_due
from governance.tables import TABLES
from governance.tracktable import put_tracks, reading, routes_of, rows_of
from governance.uploads import collect
from runtime.host import Changes, HostCall, HostContext
from runtime.parameters import ParameterRule
from runtime.registry import register_host
from storage.tables import Table


class Governance:
    """The `HostModule` that decides whether and when; it holds nothing but its declarations."""

    @property
    def calls(self) -> tuple[HostCall, ...]:
        return CALLS

    @property
    def tables(self) -> tuple[Table[Any], ...]:
        return TABLES

    @property
    def parameters(self) -> tuple[ParameterRule, ...]:
        return GOVERNANCE_PARAMETERS

    def init_genesis(self, context: HostContext) -> None:
        """Begin with the first electorate and bundle, and the default tracks where genesis brings none; refuses tracks
        and parameters that do not fit together."""
        copy_all(context)
        if not rows_of(context.overlay):
            put_tracks(context.overlay, DEFAULT.tracks, DEFAULT.routes)
        rows, routes = rows_of(context.overlay), routes_of(context.overlay)
        why = conflict_in(reading(context.parameters), rows, routes, ROUTED_KINDS)
        need(not why, "rules_conflict", why=why)
        keep_for_good(context.overlay, context.runtime.code_hash)
        register_host(context.overlay, MODULE, (rule.name for rule in GOVERNANCE_PARAMETERS))

    def end_block(self, context: HostContext, changes: Changes) -> None:
        """Follow the running runtime and its validators, make the moves that are due, collect what has ended."""
        if context.reconcile or context.coordinator.moved_on:
            note_plans(context)
        if not context.replaying:
            follow(context, changes)
        forget(context)
        close_due(context)
        move_due(context)
        if context.coordinator.queue_changed:
            follow_queue(context)
        collect(context)
