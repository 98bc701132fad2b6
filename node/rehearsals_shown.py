"""The rehearsals of a plan as readers see them: heights, who attested what, and the power behind each result.

What a rehearsal took is in no state and decides nothing: it is told by the receipt of the attestation, in the log of a
node that still has that block.
"""

from __future__ import annotations

from collections.abc import Iterable

from governance.attestations import Attestation
from governance.reading import Reader
from governance.rehearsals import ATTESTED
from governance.tables import ATTESTATIONS, READINESS, RESULTS
from node.http import answers
from node.http.values import render
from runtime.address import address_text
from runtime.sealing import RECEIPTS
from storage.blocklog import BlockLog

Took = tuple[int | None, int | None]
"""Milliseconds, and bytes of memory; None where not known."""


def rehearsals_of(reader: Reader, plan: int, log: BlockLog) -> answers.Rehearsals | None:
    """Of the present round; None for a plan that has no heights, or for none at all."""
    row = reader.get(READINESS, (plan,))
    if row is None:
        return None
    words = [(key[2], word) for key, word in reader.scan(ATTESTATIONS, (plan, row.postponed))]
    behind: dict[bytes, list[int]] = {}
    for _, word in words:
        behind.setdefault(word.result, []).append(word.power)
    took = _took(log, plan, (word for _, word in words))
    ordered = sorted(behind, key=lambda digest: (-sum(behind[digest]), digest))
    return answers.Rehearsals(
        first=row.first,
        second=row.second,
        gate=row.gate,
        postponed=row.postponed,
        verdict=row.verdict,
        power=str(row.electors.power),
        attestations=[_attestation(address_text(validator), word, took) for validator, word in words],
        results=[_result(reader, plan, digest, behind[digest]) for digest in ordered],
    )


def _attestation(
    validator: str, word: Attestation, took: dict[tuple[str, int], Took]
) -> answers.AttestationAnswer:
    milliseconds, memory = took.get((validator, word.height), (None, None))
    return answers.AttestationAnswer(
        validator=validator,
        height=word.height,
        result=word.result.hex(),
        code=word.code,
        power=str(word.power),
        milliseconds=milliseconds,
        memory_bytes=memory,
    )


def _took(log: BlockLog, plan: int, words: Iterable[Attestation]) -> dict[tuple[str, int], Took]:
    """What rehearsals took, by validator and rehearsed height, as the blocks that hold their attestations say it."""
    told = [
        {one.name: one.value for one in event.attributes}
        for height in sorted({word.said for word in words if word.said})
        for raw in log.receipts(height)
        for event in RECEIPTS.decode(raw).events
        if event.kind == ATTESTED
    ]
    return {
        (one["validator"], int(one["height"])): (int(one["milliseconds"]) or None, int(one["memory_bytes"]) or None)
        for one in told
        if int(one["plan"]) == plan
    }


def _result(reader: Reader, plan: int, digest: bytes, powers: list[int]) -> answers.RehearsalAnswer:
    found = reader.get(RESULTS, (plan, digest))
    assert found is not None, "an attestation names a result that is kept"
    return answers.RehearsalAnswer(
        result=digest.hex(),
        passed=not found.code,
        power=str(sum(powers)),
        validators=len(powers),
        value=render(RESULTS.schema, found),
    )
