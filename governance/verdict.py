"""What attestations amount to, in whole numbers only: the judgment at a plan's gate.

A plan whose gate comes while another runtime runs than it was approved against is *superseded* unheard, since no
rehearsal can try it then. Of every other this is asked.

In this order, of each validator's latest attestation:

1. more than 2/3 of all power on one passed result: the plan is cleared;
2. more than 2/3 of all power on failure: it fails before its activation height, with the code most power names;
3. postponements are left: it is postponed, as *diverged* when results differ, else as *too few*;
4. none is left: more than 2/3 of the power that attested clears the plan if all on one passed result, and if that is
   at least half of all power; else the plan expires.

Silence is no veto, and nobody but voters or the guardian cancels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What happens to the plan."""

    CLEARED = "cleared"
    FAILED = "failed"
    DIVERGED = "diverged"
    TOO_FEW = "too_few"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Said:
    """One validator's latest attestation."""

    power: int
    """In units, by the electorate of the rehearsal height."""
    result: bytes
    """Digest of what was rehearsed."""
    code: str
    """Why it failed; empty when it passed."""


@dataclass(frozen=True, slots=True)
class Judgment:
    """The verdict, and what it rests on."""

    verdict: Verdict
    result: bytes = b""
    """Of a cleared plan."""
    code: str = ""
    """Of a failed one."""


def judge(said: Iterable[Said], all_power: int, last: bool) -> Judgment:
    """Judge attestations; ``last`` says that no postponement is left."""
    passed: dict[bytes, int] = {}
    failed: dict[str, int] = {}
    for one in said:
        if one.code:
            failed[one.code] = failed.get(one.code, 0) + one.power
        else:
            passed[one.result] = passed.get(one.result, 0) + one.power
    agreed = max(passed.values(), default=0)
    result = min((digest for digest, power in passed.items() if power == agreed), default=b"")
    if agreed * 3 > all_power * 2:
        return Judgment(Verdict.CLEARED, result=result)
    failing = sum(failed.values())
    if failing * 3 > all_power * 2:
        most = max(failed.values())
        return Judgment(Verdict.FAILED, code=min(code for code, power in failed.items() if power == most))
    if not last:
        return Judgment(Verdict.DIVERGED if len(passed) + len(failed) > 1 else Verdict.TOO_FEW)
    attesting = sum(passed.values()) + failing
    if agreed and agreed * 3 > attesting * 2 and agreed * 2 >= all_power:
        return Judgment(Verdict.CLEARED, result=result)
    return Judgment(Verdict.EXPIRED)
