"""What validators attested of an upgrade: read from the chain, with what the trials took on this machine beside it."""

from __future__ import annotations

from governance.tables import ATTESTATIONS, READINESS, RESULTS
from node.rehearsal.record import Attested, Tried
from node.rehearsal.world import World


def attested(world: World, plan: int) -> Attested | None:
    """The heights of a plan's rehearsals, what each came to, and the verdict; None for a plan without a gate."""
    row = world.overlay().get(READINESS, (plan,))
    if row is None:
        return None
    words = [word for _, word in world.overlay().scan(ATTESTATIONS, (plan, row.postponed))]
    results = {word.result: sum(one.power for one in words if one.result == word.result) for word in words}
    most = max(results, key=lambda digest: (results[digest], digest), default=b"")
    found = world.overlay().get(RESULTS, (plan, most)) if most else None
    return Attested(
        first=row.first,
        second=row.second,
        gate=row.gate,
        verdict=row.verdict,
        validators=len(words),
        power=results.get(most, 0),
        all_power=row.electors.power,
        result=most.hex(),
        code="" if found is None else found.code,
        reversible=found is not None and found.reversible,
        results=len(results),
        trials=_trials(world, plan),
    )


def _trials(world: World, plan: int) -> tuple[Tried, ...]:
    """What this machine's trials of a plan took."""
    ended = [told for event, told in world.told.events if event == "rehearsal_ended" and told["plan"] == plan]
    return tuple(
        Tried(
            height=told["height"],
            code=told["code"],
            milliseconds=told["milliseconds"],
            memory_bytes=told["memory_bytes"],
            failed=_failed(world, plan, told["height"]),
        )
        for told in ended
    )


def _failed(world: World, plan: int, height: int) -> str:
    """The step that failed in a trial, and what it found there."""
    for event, told in world.told.events:
        if event == "rehearsal_step" and (told["plan"], told["height"]) == (plan, height) and told["code"]:
            where = f" at {told['file']}:{told['line']}" if told["file"] else ""
            return f"{told['step']}{where}" + (f": {told['detail']}" if told["detail"] else "")
    return ""
