"""What a node has still to say of the pending plan's rehearsals, read from the chain's state and from nothing else.

So a node that stopped between a rehearsal and its attestation, or between two validators' ones, says what is missing
and nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from governance.attestations import Readiness
from governance.electorate import power_at
from governance.reading import Reader
from governance.tables import ATTESTATIONS, READINESS
from runtime.plans import PLANS, QUEUE, SCHEDULED, Plan


@dataclass(frozen=True, slots=True)
class Due:
    """One rehearsal that is due, and who has not spoken about it."""

    plan: int
    proposal: int
    round: int
    """How often the plan was put off; attestations begin anew with each."""
    height: int
    """Of the state to rehearse on."""
    gate: int
    """The last height whose block can hold an attestation."""
    silent: tuple[bytes, ...]
    """Validators, of those asked about, with power and without a word about this height."""

    @property
    def about(self) -> tuple[int, int, int]:
        """What names the rehearsal, whoever has spoken."""
        return self.plan, self.round, self.height


def readiness_now(reader: Reader) -> tuple[int, Plan, Readiness] | None:
    """The pending plan that waits for its gate, with its rehearsals' heights; None when none does."""
    queue = reader.get(QUEUE, ())
    if queue is None or not queue.plans:
        return None
    plan_id = queue.plans[0]
    plan, row = reader.get(PLANS, (plan_id,)), reader.get(READINESS, (plan_id,))
    waits = plan is not None and plan.gated and not plan.cleared and plan.state == SCHEDULED
    return (plan_id, plan, row) if waits and plan is not None and row is not None else None


def due_now(reader: Reader, height: int, validators: Iterable[bytes]) -> Due | None:
    """The newest rehearsal that is due at the end of ``height`` and that any of these validators owes a word about."""
    found = readiness_now(reader)
    if found is None:
        return None
    plan_id, plan, row = found
    wanted = row.second if height >= row.second else row.first
    if not wanted <= height < row.gate:
        return None
    silent = tuple(
        one
        for one in sorted(validators)
        if power_at(reader, one, row.first) and not _has_spoken(reader, plan_id, row.postponed, one, wanted)
    )
    return Due(plan_id, plan.proposal, row.postponed, wanted, row.gate, silent) if silent else None


def heights_in_use(reader: Reader, height: int) -> dict[int, str]:
    """Heights whose state is rehearsed on, or will be again after a restart, with why."""
    found = readiness_now(reader)
    if found is None:
        return {}
    plan_id, _, row = found
    return {at: f"plan {plan_id} is rehearsed on it" for at in (row.first, row.second) if at <= height < row.gate}


def _has_spoken(reader: Reader, plan: int, round_: int, validator: bytes, height: int) -> bool:
    word = reader.get(ATTESTATIONS, (plan, round_, validator))
    return word is not None and word.height >= height
