"""How long the machines that prove the laws of governance run: short by default, as long as `SYNOD_LAWS` says.

`SYNOD_LAWS=500x100` is 500 runs of up to 100 steps each, which every machine of CI makes. For more, name the machine:
`python -m tests.governance.laws counting --examples 20000 --steps 200`.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

EXAMPLES, STEPS = 30, 50
VARIABLE = "SYNOD_LAWS"


def sized(examples: int | None = None, steps: int | None = None) -> settings:
    """The settings of a machine; without numbers those of the environment, or the short ones."""
    words = os.environ.get(VARIABLE, f"{EXAMPLES}x{STEPS}").split("x")
    return settings(
        max_examples=examples or int(words[0]),
        stateful_step_count=steps or int(words[1]),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
