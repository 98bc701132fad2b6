"""Attested rehearsals: every validator's node lives through a plan beforehand, and its word decides the gate (N1).

When a plan is pending, three heights are fixed for it: at *first* and again at *second* every validator's node
rehearses the plan on the state of that height and signs what came out; at *gate* the attestations are judged by
``governance.verdict``. A validator's later attestation takes the place of its earlier one. Power is that of the end of
the first height. A postponed plan gets new heights before its new activation, and its attestations begin anew.
"""

from __future__ import annotations

from governance.agenda import REHEARSALS, drop_due, pulse_of, put_due, refresh_pulse, rehearsals_due
from governance.attestations import Attest, Attestation, Readiness, heights_of
from governance.electorate import electors_at, pin, power_at, unpin
from governance.errors import need
from governance.progress import keep, proposal_at, remark
from governance.tables import ATTESTATIONS, READINESS, RESULTS
from governance.tally import Electors
from governance.verdict import Judgment, Said, Verdict, judge
from runtime.bundle.allowlist import MAX_TABLES
from runtime.host import HostContext
from runtime.plans import ANOTHER_RUNS, EXPIRED, FAILED, SCHEDULED, SUPERSEDED, Plan
from runtime.receipts import event

ATTESTED = "RehearsalAttested"
"""The event that tells a validator's word, with the seconds and bytes that came with it."""
LEAST_SPAN = 8
"""Blocks between now and the activation that rehearsals and their gate need at least."""
MOST_TABLES = MAX_TABLES + 1
"""Those of a bundle, and the aggregates."""
LONGEST_CODE = 64
LEADS = ("rehearsal_lead", "rehearsal_again", "rehearsal_gate_lead")


def follow_queue(context: HostContext) -> None:
    """Fix the heights of a plan whose turn has come, and forget what was due for one that has ended."""
    pending = context.coordinator.pending()
    for plan_id in rehearsals_due(context.overlay, 2**64):
        if pending is None or pending[0] != plan_id:
            row = context.overlay.get(READINESS, (plan_id,))
            assert row is not None, "what is due for a plan has its row"
            _close(context, plan_id, row)
    if pending is None:
        return
    plan_id, plan = pending
    if plan.gated and plan.state == SCHEDULED and context.overlay.get(READINESS, (plan_id,)) is None:
        activation = plan.activation
        if activation - context.height < LEAST_SPAN:
            activation = _postpone(context, plan_id, plan, context.height + LEAST_SPAN, "time_to_rehearse")
        _open(context, plan_id, plan, activation, postponed=0, verdict="")


def attest(context: HostContext, args: Attest) -> None:
    """Take a validator's word; refuses one about another plan, height or bundle, from a stranger, or given twice."""
    result = args.result
    pending = context.coordinator.pending()
    row = context.overlay.get(READINESS, (result.plan,))
    is_open = row is not None and pending is not None and pending[0] == result.plan and context.height <= row.gate
    need(is_open, "no_rehearsal_open", plan=result.plan)
    assert row is not None and pending is not None
    wanted = result.height in (row.first, row.second) and result.height < context.height
    need(wanted, "other_rehearsal_height", height=result.height, first=row.first, second=row.second)
    need(result.code_hash == pending[1].code_hash, "other_bundle_rehearsed", bundle=pending[1].code_hash.hex())
    small = len(result.tables) <= MOST_TABLES and len(result.code) <= LONGEST_CODE
    need(small, "result_too_large", tables=MOST_TABLES, characters=LONGEST_CODE)
    power = power_at(context.overlay, context.sender, row.first)
    need(power > 0, "no_power", voter=context.sender, height=row.first)
    key = (result.plan, row.postponed, context.sender)
    before = context.overlay.get(ATTESTATIONS, key)
    need(before is None or before.height < result.height, "already_attested", height=result.height)
    digest = result.digest
    context.overlay.put(RESULTS, (result.plan, digest), result)
    word = Attestation(height=result.height, result=digest, code=result.code, power=power, said=context.height)
    context.overlay.put(ATTESTATIONS, key, word)
    context.events.append(
        event(
            ATTESTED, plan=result.plan, validator=context.sender, height=result.height, result=digest,
            code=result.code, milliseconds=args.milliseconds, memory_bytes=args.memory_bytes,
        )
    )  # fmt: skip


def move_due(context: HostContext) -> None:
    """Ask for the rehearsals that begin with this height, and judge the plan whose gate it is."""
    next_due = pulse_of(context.overlay).next_due
    if not next_due or next_due > context.height:
        return
    for plan_id in rehearsals_due(context.overlay, context.height):
        row = context.overlay.get(READINESS, (plan_id,))
        assert row is not None, "what is due for a plan has its row"
        pending = context.coordinator.pending()
        if pending is None or pending[0] != plan_id:  # it has ended in this very block
            _close(context, plan_id, row)
            continue
        drop_due(context.overlay, REHEARSALS, context.height, plan_id)
        if context.height == row.gate:
            _judge(context, plan_id, row)
            continue
        if context.height == row.first:
            pin(context.overlay, row.first)
            row = row.but(electors=electors_at(context.overlay, row.first))
            context.overlay.put(READINESS, (plan_id,), row)
        context.events.append(event("RehearsalDue", plan=plan_id, height=context.height, gate=row.gate))
        put_due(context.overlay, REHEARSALS, row.due(context.height), plan_id, context.height)
    refresh_pulse(context.overlay)


def _open(context: HostContext, plan_id: int, plan: Plan, activation: int, postponed: int, verdict: str) -> None:
    lead, again, gate_lead = (context.parameters.integer(name) for name in LEADS)
    first, second, gate = heights_of(context.height, activation, lead, again, gate_lead)
    row = Readiness(
        proposal=plan.proposal,
        first=first,
        second=second,
        gate=gate,
        postponed=postponed,
        electors=Electors(),
        verdict=verdict,
    )
    context.overlay.put(READINESS, (plan_id,), row)
    put_due(context.overlay, REHEARSALS, first, plan_id, context.height)
    context.events.append(
        event("RehearsalsSet", plan=plan_id, first=first, second=second, gate=gate, activation=activation)
    )


def _judge(context: HostContext, plan_id: int, row: Readiness) -> None:
    most = context.parameters.integer("max_postponements")
    rows = context.overlay.scan(ATTESTATIONS, (plan_id, row.postponed))
    said = [Said(power=one.power, result=one.result, code=one.code) for _, one in rows]
    judgment = judge(said, row.electors.power, last=row.postponed >= most)
    if context.coordinator.plan(plan_id).base != context.coordinator.running().code_hash:
        judgment = Judgment(Verdict.SUPERSEDED)
    unpin(context.overlay, row.first)
    row = row.but(verdict=judgment.verdict.value)
    context.overlay.put(READINESS, (plan_id,), row)
    attested = sum(one.power for one in said)
    context.events.append(
        event("RehearsalsJudged", plan=plan_id, verdict=judgment.verdict.value, attested=attested,
              power=row.electors.power)
    )  # fmt: skip
    remark(context, row.proposal, f"rehearsals_{judgment.verdict.value}")
    _act(context, plan_id, row, judgment)


def _act(context: HostContext, plan_id: int, row: Readiness, judgment: Judgment) -> None:
    coordinator, verdict = context.coordinator, judgment.verdict
    if verdict is Verdict.CLEARED:
        coordinator.clear(plan_id, judgment.result)
    elif verdict is Verdict.FAILED:
        coordinator.end(plan_id, FAILED, reason=judgment.code)
    elif verdict is Verdict.EXPIRED:
        coordinator.end(plan_id, EXPIRED, reason="rehearsals_disagree")
    elif verdict is Verdict.SUPERSEDED:
        coordinator.end(plan_id, SUPERSEDED, reason=ANOTHER_RUNS)
    else:
        plan = coordinator.plan(plan_id)
        later = plan.activation + context.parameters.integer("postponement")
        activation = _postpone(context, plan_id, plan, later, f"rehearsals_{verdict.value}")
        _open(context, plan_id, plan, activation, row.postponed + 1, verdict.value)


def _postpone(context: HostContext, plan_id: int, plan: Plan, later: int, reason: str) -> int:
    """Move the plan's activation, and the height at which its proposal takes effect; returns it."""
    activation = context.coordinator.postpone(plan_id, later, reason)
    _, standing = proposal_at(context.overlay, plan.proposal)
    keep(context, plan.proposal, standing.but(effective=activation), due=activation)
    return activation


def _close(context: HostContext, plan_id: int, row: Readiness) -> None:
    """Nothing is due any more for a plan that has ended before its gate."""
    due = row.due(context.height - 1)
    drop_due(context.overlay, REHEARSALS, due, plan_id)
    if due > row.first:
        unpin(context.overlay, row.first)
