"""Governance's own chain parameters, their bounds, and the rules that bind several of them together.

Bounds keep a vote from locking the chain or its successors; what no single bound can say stands in `conflict_in`:

- an emergency rollback proposed at once must be able to execute inside the rollback window;
- the cut of one voter's power is at or above every quorum, so any distribution of power can reach them;
- emergency and breaking decisions take at least what an ordinary one takes;
- a vote never raises the deposit above a thousandth of the bonded coins (or its default): proposals stay affordable.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from runtime.parameters import ParameterRule as Rule

GOVERNANCE_PARAMETERS: tuple[Rule, ...] = (
    Rule("voting_delay", 100, 1, 100_000, "blocks between a full deposit and the first vote"),
    Rule("voting_period", 14_400, 5, 1_000_000, "blocks in which votes count"),
    Rule("grace_period", 14_400, 10, 1_000_000, "blocks in which an approved act that cannot happen is tried again"),
    Rule("deposit_period", 14_400, 5, 1_000_000, "blocks in which a draft may gather its deposit"),
    Rule("min_deposit", 1_000, 0, 10**30, "units a proposal takes as deposit; a quarter of it at submission"),
    Rule("quorum_threshold", Fraction(334, 1000), Fraction(1, 100), Fraction(2, 3), "part of all power that must vote"),
    Rule("approval_threshold", Fraction(667, 1000), Fraction(501, 1000), Fraction(9, 10), "yes of yes + no + veto"),
    Rule("veto_threshold", Fraction(334, 1000), Fraction(1, 4), Fraction(1, 2), "veto share that vetoes"),
    Rule("breaking_quorum", Fraction(1, 2), Fraction(1, 100), Fraction(2, 3), "quorum of breaking upgrades"),
    Rule("breaking_threshold", Fraction(3, 4), Fraction(501, 1000), Fraction(9, 10), "threshold of breaking upgrades"),
    Rule("emergency_quorum", Fraction(1, 2), Fraction(1, 100), Fraction(2, 3), "quorum of emergencies"),
    Rule("emergency_threshold", Fraction(3, 4), Fraction(501, 1000), Fraction(9, 10), "threshold of emergencies"),
    Rule("emergency_delay", 10, 1, 10_000, "blocks before an emergency vote opens"),
    Rule("emergency_period", 300, 5, 50_000, "blocks an emergency vote is open"),
    Rule("emergency_timelock", 50, 1, 10_000, "blocks between an emergency approval and its effect"),
    Rule("emergency_power_floor", Fraction(1, 100), Fraction(1, 1000), Fraction(1, 10), "power that may propose one"),
    Rule("min_voters", 3, 1, 1_000, "least voters of a valid vote; never more than the electorate has"),
    Rule("max_individual_power_percent", 50, 1, 100, "one voter counts for at most this percentage of all power"),
    Rule("max_open_per_proposer", 10, 1, 1_000, "proposals of one proposer that may be open at once"),
    Rule("max_open_proposals", 200, 10, 10_000, "proposals that may be open at once, emergencies not counted"),
    Rule("calls_per_block", 64, 4, 1_000, "governance calls of one sender in one block"),
    Rule("closings_per_block", 64, 4, 10_000, "proposals that one block moves; the rest follow in order"),
    Rule("upload_lifetime", 1_200, 10, 100_800, "blocks in which a bundle may be uploaded and proposed"),
    Rule("max_uploads", 100, 1, 10_000, "bundles that publishers who are no validators may be uploading"),
    Rule("rehearsal_gate", 1, 0, 1, "1: an upgrade takes effect only once validators attest its rehearsal; 0: without"),
    Rule("rehearsal_lead", 14_400, 4, 1_000_000, "blocks before the activation at which it is rehearsed first"),
    Rule("rehearsal_again", 1_200, 2, 1_000_000, "blocks before the activation at which it is rehearsed again"),
    Rule("rehearsal_gate_lead", 100, 1, 1_000_000, "blocks before the activation at which attestations are judged"),
    Rule("postponement", 14_400, 10, 1_000_000, "blocks by which rehearsals that do not agree put an upgrade off"),
    Rule("max_postponements", 3, 0, 20, "times that an upgrade is put off before it expires"),
    Rule("guardian_span", 14_400, 10, 100_800, "blocks that what the guardian stops stays stopped at most"),
    Rule("guardian_cancels", 10, 1, 1_000, "proposals that the guardian may cancel in guardian_span blocks"),
    Rule("power_changes_per_block", 1_000, 10, 100_000, "power changes that one block copies; the rest wait in order"),
)

QUORUMS = ("quorum_threshold", "breaking_quorum", "emergency_quorum")
NOT_BELOW_APPROVAL = ("breaking_threshold", "emergency_threshold")
EMERGENCY_STEPS = ("emergency_delay", "emergency_period", "emergency_timelock")

Read = Callable[[str], Fraction]
"""A parameter's value by name; plain integers come as whole fractions."""


def emergency_blocks(read: Read) -> int:
    """Blocks from submitting an emergency proposal to its execution."""
    return int(sum(read(name) for name in EMERGENCY_STEPS))


def conflict_in(read: Read) -> str:
    """Why these values cannot hold together, or an empty text."""
    if emergency_blocks(read) >= read("rollback_window"):
        return f"an emergency takes {emergency_blocks(read)} blocks, the rollback window has {read('rollback_window')}"
    for name in QUORUMS:
        if read("max_individual_power_percent") < read(name) * 100:
            return f"max_individual_power_percent is below {name}: one large voter could lock the chain"
    for name in NOT_BELOW_APPROVAL:
        if read(name) < read("approval_threshold"):
            return f"{name} is below approval_threshold"
    return ""


def affordable_deposit(bonded: int) -> int:
    """The highest ``min_deposit`` a vote may set while ``bonded`` units have power."""
    default = next(rule.default for rule in GOVERNANCE_PARAMETERS if rule.name == "min_deposit")
    return max(int(default), bonded // 1000)
