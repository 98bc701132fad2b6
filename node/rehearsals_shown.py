"""The rehearsals of a plan as readers see them: heights, who attested what, and the power behind each result."""

from __future__ import annotations

from governance.reading import Reader
from governance.tables import ATTESTATIONS, READINESS, RESULTS
from node.http import answers
from node.http.values import render
from runtime.address import address_text


def rehearsals_of(reader: Reader, plan: int) -> answers.Rehearsals | None:
    """Of the present round; None for a plan that has no heights, or for none at all."""
    row = reader.get(READINESS, (plan,))
    if row is None:
        return None
    words = [(key[2], word) for key, word in reader.scan(ATTESTATIONS, (plan, row.postponed))]
    behind: dict[bytes, list[int]] = {}
    for _, word in words:
        behind.setdefault(word.result, []).append(word.power)
    ordered = sorted(behind, key=lambda digest: (-sum(behind[digest]), digest))
    return answers.Rehearsals(
        first=row.first,
        second=row.second,
        gate=row.gate,
        postponed=row.postponed,
        verdict=row.verdict,
        power=str(row.electors.power),
        attestations=[
            answers.AttestationAnswer(
                validator=address_text(validator),
                height=word.height,
                result=word.result.hex(),
                code=word.code,
                power=str(word.power),
            )
            for validator, word in words
        ],
        results=[_result(reader, plan, digest, behind[digest]) for digest in ordered],
    )


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
