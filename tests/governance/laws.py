"""`python -m tests.governance.laws [MACHINE]... --examples 20000 --steps 200`: the laws of governance, for longer."""

from __future__ import annotations

import argparse
from time import perf_counter

from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.governance.sizes import sized
from tests.governance.test_life_machine import Lives
from tests.governance.test_machine import Governed
from tests.governance.test_votes_machine import Voting

MACHINES: dict[str, type[RuleBasedStateMachine]] = {"governance": Governed, "counting": Voting, "lives": Lives}


def main() -> None:
    reader = argparse.ArgumentParser("python -m tests.governance.laws", description="Prove the laws for longer.")
    reader.add_argument("machines", nargs="*", metavar="MACHINE", help=f"any of {', '.join(MACHINES)}; all by default")
    reader.add_argument("--examples", type=int, default=20_000, help="runs of each (20,000)")
    reader.add_argument("--steps", type=int, default=200, help="most steps of a run (200)")
    given = reader.parse_args()
    unknown = [name for name in given.machines if name not in MACHINES]
    if unknown:
        reader.error(f"there is no machine {unknown[0]}; take some of {', '.join(MACHINES)}")
    for name in given.machines or MACHINES:
        began = perf_counter()
        run_state_machine_as_test(MACHINES[name], settings=sized(given.examples, given.steps))
        took = perf_counter() - began
        print(f"{name}: {given.examples:,} runs of up to {given.steps} steps in {took:,.0f} s", flush=True)


if __name__ == "__main__":
    main()
