"""The first execution of a bundle happens in a process that has nothing, under limits, and gives a value."""

from __future__ import annotations

import pytest

from runtime.bundle.spawn import BundleFailed, HealthAnswer, Passed, first_execution
from tests.runtime.small_chain import bundle_of

HEALTHY = '''
"""One table and how it is."""
class Row(Record):
    n: Amount = field(1)
rows = table(Row, key=(Amount,), names=("number",))
@hook("health")
def is_well(ctx: Context) -> Flag:
    {body}
'''


def health(body: str) -> object:
    return first_execution(bundle_of({"one": HEALTHY.replace("{body}", body)}))


def test_a_sound_bundle_passes_and_tells_its_health() -> None:
    told = health("return ctx.get(rows, 1) is None and ctx.parameter('call_steps') > 0 and not ctx.flag('x')")
    assert isinstance(told, Passed)
    assert [(answer.module, answer.code) for answer in told.health] == [("one", "ok")]
    assert told.health[0].steps > 0


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("return False", "unhealthy"),
        ("return 1 // 0 == 0", "division_by_zero"),
        ("while True:\n        pass\n    return True", "out_of_steps"),
    ],
)
def test_a_failing_health_hook_is_told_by_its_code(body: str, code: str) -> None:
    told = health(body)
    assert isinstance(told, Passed)
    assert told.health == (HealthAnswer("one", code, told.health[0].steps),)


def test_a_bundle_that_does_not_load_fails_with_the_reason() -> None:
    failed = first_execution(bundle_of({"one": '"""One."""\nimport os\n'}))
    assert isinstance(failed, BundleFailed)
    assert failed.reason == "refused"
    assert "one.py" in failed.detail


def test_a_process_without_memory_or_time_fails_alone() -> None:
    bundle = bundle_of({"one": HEALTHY.replace("{body}", "return True")})
    assert isinstance(first_execution(bundle, memory=24 << 20), BundleFailed)
    assert first_execution(bundle, seconds=0) == BundleFailed("timeout", "not loaded within 0 seconds")
