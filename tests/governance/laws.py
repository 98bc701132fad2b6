"""`python -m tests.governance.laws [MACHINE]... --examples 20000 --steps 200`: the laws of governance, for longer.

Three machines make any calls in any order and let blocks pass. Each holds the chain, after every call and every block,
against books that somebody keeps in plain Python of his own: *governance* against a registrar's (drafts, votes and acts
under parameters that votes change), *counting* against a clerk's (every vote counted anew from who staked what), *lives*
against an usher's (whole lives on tracks of drawn rules).

| law | proved by |
|---|---|
| states exclude each other, final ones are final | lives: `every_proposal_stands_as_the_usher_says`, `time_keeps_its_laws`; nothing final is due, pinned, queued or placed: `every_open_proposal_is_due_once_and_no_other_is`, `places_and_queues_are_his` |
| only the stated operation moves a state | each answer, and all that each proposal shows after a call, is what the books say: lives, `every_proposal_stands_as_the_usher_says`; governance, `every_proposal_stands_as_the_books_say` |
| time alone moves only what time may | lives: `time_keeps_its_laws`, by the table WAYS |
| snapshot <= start < deadline | lives: `time_keeps_its_laws`; governance: `every_proposal_stands_as_the_books_say` |
| a deadline never comes nearer, is put off at most once | lives: `cast`, and for blocks `time_keeps_its_laws` |
| tallies change by voting alone, and are the sum of the power that voted | counting: `a_tally_is_the_power_that_voted_at_the_snapshot`; lives: `time_keeps_its_laws`; governance: `no_vote_is_counted_that_was_not_cast` |
| no unit counts twice across delegation, changed votes, proxies, relaying | counting: `no_unit_is_counted_twice`, `every_vote_says_what_it_counts_for` |
| a weight is the power at the snapshot | counting: `every_vote_says_what_it_counts_for`, whatever is staked, slashed or bought later |
| nothing happens before deadline and timelock, nor without quorum and threshold | lives: `time_keeps_its_laws`, and the usher's fractions |
| the delay, and every other rule, changes by an executed vote alone | governance: `a_parameter_is_what_an_executed_vote_made_it`; lives: `rules_are_what_an_executed_vote_made_them` |
| a predecessor is done before | lives: `time_keeps_its_laws` |
| no change of rules touches a proposal that runs or has ended | lives: `every_proposal_stands_as_the_usher_says`, while votes replace the rules of its track |
| rules and parameters stay within bounds | governance: `parameters_are_within_bounds`; lives: a set of rules beyond them is refused in `propose` |
| deposits are refunded, burned or held, none is made or lost | lives: `no_unit_is_made_or_lost`; governance: `no_deposit_is_made_or_lost` |
"""  # noqa: E501

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from time import perf_counter

from hypothesis import seed, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.governance.sizes import sized
from tests.governance.test_life_machine import Lives
from tests.governance.test_machine import Governed
from tests.governance.test_votes_machine import Voting

MACHINES: dict[str, type[RuleBasedStateMachine]] = {"governance": Governed, "counting": Voting, "lives": Lives}
PART = 200
"""Runs of a part, which one process makes by a seed of its own."""
INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Part:
    """Some runs of a machine, the same whenever they are made."""

    machine: str
    first: int
    runs: int
    steps: int
    seed: int


def parts(machine: str, begin: int, runs: int, steps: int, begins_with: int) -> Iterator[Part]:
    for first in range(begin, runs, PART):
        yield Part(machine, first, min(PART, runs - first), steps, begins_with + first)


def prove(part: Part) -> str:
    """Make the runs of a part; what broke a law, with the shortest way to it, or nothing."""
    machine = seed(part.seed)(MACHINES[part.machine])
    try:
        run_state_machine_as_test(machine, settings=settings(sized(part.runs, part.steps), database=None))
    except Exception as broken:
        return "".join(traceback.format_exception(broken))
    return ""


def leave_interruptions_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class Broken(Exception):
    """A law is broken; the text says by what, ``first`` is the first run of the part that shows it."""

    def __init__(self, first: int, how: str) -> None:
        super().__init__(how)
        self.first = first


class Proof:
    """All runs of one machine, in parts; ``done`` is how many of them, from the first on, have kept the laws."""

    def __init__(self, machine: str, given: argparse.Namespace) -> None:
        self.machine, self.done, self._whole = machine, given.start, given.examples
        self._parts = list(parts(machine, given.start, given.examples, given.steps, given.seed))
        self._workers = given.workers
        self._began, self._start = perf_counter(), given.start

    def run(self) -> None:
        """Raises Broken; an interruption leaves ``done`` where going on begins."""
        with get_context("fork").Pool(self._workers, leave_interruptions_to_the_parent) as pool:
            for part, broken in zip(self._parts, pool.imap(prove, self._parts), strict=True):
                if broken:
                    raise Broken(part.first, broken)
                self.done += part.runs
                self._show()

    @property
    def seconds(self) -> float:
        return perf_counter() - self._began

    def _show(self) -> None:
        each = self.seconds / (self.done - self._start)
        left = each * (self._whole - self.done)
        end = "\r" if sys.stderr.isatty() else "\n"
        text = f"{self.machine}: {self.done:,} of {self._whole:,} runs keep the laws, {left:,.0f} s left   "
        print(text, end=end, file=sys.stderr, flush=True)


def asked() -> argparse.Namespace:
    reader = argparse.ArgumentParser(
        "python -m tests.governance.laws",
        description="Prove the laws of governance for longer; stop it whenever you like, it says how to go on.",
    )
    reader.add_argument("machines", nargs="*", metavar="MACHINE", help=f"any of {', '.join(MACHINES)}; all by default")
    reader.add_argument("--examples", type=int, default=20_000, help="runs of each (20,000)")
    reader.add_argument("--steps", type=int, default=200, help="most steps of a run (200)")
    reader.add_argument("--seed", type=int, default=0, help="another number makes other runs (0)")
    reader.add_argument("--from", type=int, default=0, dest="start", help=f"go on behind so many runs, in {PART}s (0)")
    reader.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes at once (one a core)")
    reader.add_argument("--json", action="store_true", help="a line of JSON for each machine")
    given = reader.parse_args()
    unknown = [name for name in given.machines if name not in MACHINES]
    if unknown:
        reader.error(f"there is no machine {unknown[0]}; take some of {', '.join(MACHINES)}")
    if given.start % PART or not 0 <= given.start < given.examples:
        reader.error(f"--from takes a multiple of {PART} below --examples, not {given.start}")
    if given.start and len(given.machines) != 1:
        reader.error("--from goes on with one machine: name it")
    if min(given.steps, given.workers) < 1:
        reader.error("--steps and --workers are at least 1")
    return given


def again(machine: str, given: argparse.Namespace, start: int) -> str:
    """The command that makes a machine's runs from some on."""
    sizes = f"--examples {given.examples} --steps {given.steps} --seed {given.seed}"
    return f"python -m tests.governance.laws {machine} {sizes} --from {start}"


def main() -> int:
    given = asked()
    for machine in given.machines or MACHINES:
        proof = Proof(machine, given)
        try:
            proof.run()
        except Broken as broken:
            print(f"{broken}\n{machine} breaks a law; again by: {again(machine, given, broken.first)}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print(f"\nstopped; go on with: {again(machine, given, proof.done)}", file=sys.stderr)
            return INTERRUPTED
        found = {"machine": machine, "runs": proof.done, "steps": given.steps, "seconds": round(proof.seconds)}
        told = f"{machine}: {proof.done:,} runs of up to {given.steps} steps keep the laws, {proof.seconds:,.0f} s"
        print(json.dumps(found) if given.json else told, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
