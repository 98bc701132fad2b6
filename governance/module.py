"""Governance as one part of the host: its calls, tables, parameters and work at the end of a block.

Order at the end of a block: the registry follows a flip or rollback, the electorate follows the block's changes, then
proposals move, then rehearsals. So a vote that opens at the end of a block counts by the power that this block left,
and a plan whose turn has come, whatever ended the one before, gets the heights of its rehearsals in the same block.
"""

from __future__ import annotations

from typing import Any

from governance.calls import CALLS
from governance.closing import close_due, note_rollbacks
from governance.electorate import copy_all, follow
from governance.errors import need
from governance.parameters import GOVERNANCE_PARAMETERS, conflict_in
from governance.registry import adopt_runtime, write_host_entries
from governance.rehearsals import follow_queue, move_due
from governance.tables import TABLES
from runtime.host import Changes, HostCall, HostContext
from runtime.parameters import ParameterRule
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
        """Enter the modules and the first electorate; refuses parameters that do not fit together."""
        copy_all(context)
        why = conflict_in(context.parameters.ratio)
        need(not why, "rules_conflict", why=why)
        write_host_entries(context)
        adopt_runtime(context)

    def end_block(self, context: HostContext, changes: Changes) -> None:
        """Follow the running runtime and its validators, then make the moves that are due."""
        if context.reconcile:
            adopt_runtime(context)
            note_rollbacks(context)
        follow(context, changes)
        close_due(context)
        move_due(context)
        if context.coordinator.queue_changed:
            follow_queue(context)
