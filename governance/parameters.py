"""Governance's own chain parameters and their bounds.

Bounds keep a vote from locking the chain or its successors. What no single bound can say, the rows of the tracks that
name these parameters say together: see `governance.fitting`. And a vote never raises the deposit above a thousandth of
the bonded coins (or its default), nor the power that a proposer must hold above the even part of one validator:
somebody can always propose.
"""

from __future__ import annotations

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
    Rule("resubmission_cooldown", 14_400, 0, 1_000_000, "blocks before a failed content may be proposed again"),
    Rule("late_swing", Fraction(1, 12), Fraction(0), Fraction(1, 2), "last part of a vote, where a swing extends it"),
    Rule("review_period", 14_400, 10, 1_000_000, "blocks that a review, or its approval by voters, may take"),
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


def affordable_deposit(bonded: int) -> int:
    """The highest ``min_deposit`` a vote may set while ``bonded`` units have power."""
    default = next(rule.default for rule in GOVERNANCE_PARAMETERS if rule.name == "min_deposit")
    return max(int(default), bonded // 1000)
