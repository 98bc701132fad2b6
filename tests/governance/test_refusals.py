"""Every refusal that governance knows, met once, and nothing changed by it.  # R2.2 R1.7 N6"""

from __future__ import annotations

import ast
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from governance.ballots import WHOLE, Share
from governance.calls import MOST_ITEMS, Cancel, GuardianPause
from governance.errors import REFUSALS
from governance.proposals import (
    AppointGuardian,
    Batch,
    CancelUpgrade,
    FeatureSwitch,
    Isolate,
    MaintenanceWindow,
    NewValue,
    ParameterChange,
    Pause,
    RestoreModule,
    Resume,
    Rollback,
    RuntimeUpgrade,
    Statement,
)
from governance.proxies import NameProxy
from runtime.bundles import CHUNK_BYTES
from tests.governance.attempts import (
    FIRST,
    SECOND,
    SPEND,
    STRANGER,
    Try,
    a_chain_too_long,
    a_floor_that_nobody_may_reach,
    a_second_emergency,
    after_upgrade,
    an_empty_deposit,
    another_total,
    approving,
    as_guardian,
    attesting,
    attesting_twice,
    breaking_on_the_plain_track,
    cancelling_after_the_close,
    cancelling_for_another,
    cancelling_once_too_often,
    cancelling_twice,
    cancelling_what_takes_effect,
    changing,
    deposit_on_a_funded_one,
    guarding,
    naming,
    one_depositor_too_many,
    one_upload_too_many,
    pausing_twice,
    planned,
    proposing,
    proposing_after_an_end,
    proposing_no_bundle,
    proposing_other_bytes,
    proposing_part_of_a_bundle,
    proposing_what_failed,
    publishing,
    publishing_what_is_there,
    ratio,
    signing,
    stopping_while_it_rests,
    the_same_vote_again,
    too_many_bundles,
    too_many_calls,
    too_many_open,
    upgrading,
    upgrading_after,
    voting,
    voting_early,
    voting_for,
    voting_late,
    without_a_word_of_its_pause,
)
from tests.governance.world import A_STATEMENT, World, core_bundle, minor_bundle, person

Make = Callable[..., World]
GOVERNANCE = Path(__file__).parents[2] / "governance"

ONLY_WHEN_DUE = {"predecessor_waits"}
"""What refuses an act when its turn comes, never a call: see test_gates."""

CASES: dict[str, tuple[Try, dict[str, int | Fraction]]] = {
    "too_many_bundles": (too_many_bundles, {}),
    "too_many_calls": (too_many_calls, {"calls_per_block": 4}),
    "too_many_open": (too_many_open, {"max_open_per_proposer": 1}),
    "no_power": (voting(voter=STRANGER), {}),
    "below_power_floor": (lambda world: world.propose(STRANGER, Pause(), deposit=0), {}),
    "one_emergency_each": (a_second_emergency, {}),
    "publisher_unknown": (lambda world: publishing(world, sender=person(77)), {}),
    "no_title": (proposing(A_STATEMENT, title=""), {}),
    "too_long": (proposing(A_STATEMENT, description="x" * 10_001), {}),
    "too_many_items": (proposing(A_STATEMENT, links=("x",) * (MOST_ITEMS + 1)), {}),
    "bad_window": (proposing(A_STATEMENT, window=MaintenanceWindow(opens=50, closes=50)), {}),
    "unknown_track": (proposing(A_STATEMENT, track="express"), {}),
    "wrong_track": (proposing(SPEND, track="emergency"), {}),
    "no_common_track": (proposing(Batch(messages=())), {}),
    "predecessor_over": (proposing_after_an_end, {}),
    "upgrades_queue": (upgrading_after, {}),
    "failed_lately": (proposing_what_failed, {"resubmission_cooldown": 50}),
    "not_in_review": (approving("review", STRANGER, reviews="0"), {}),
    "not_a_reviewer": (approving("review"), {}),
    "not_in_implementation": (approving("approve_implementation"), {}),
    "no_yes_vote": (approving("approve_implementation", person(4), reviews="0"), {}),
    "approved_already": (approving("twice", reviews="2"), {}),
    "breaking_track_needed": (breaking_on_the_plain_track, {}),
    "deposit_too_small": (proposing(A_STATEMENT, deposit=249), {}),
    "no_deposit_here": (proposing(Pause(), deposit=1), {}),
    "unknown_target": (proposing(FeatureSwitch(name="lottery", on=True)), {}),
    "nothing_changes": (changing(NewValue(name="voting_period", number=10)), {}),
    "deposit_unaffordable": (changing(NewValue(name="min_deposit", number=1_001)), {}),
    "floor_out_of_reach": (a_floor_that_nobody_may_reach, {}),
    "rules_conflict": (changing(NewValue(name="emergency_period", number=2_000)), {}),
    "wrong_version": (upgrading(version="1.2.0"), {}),
    "wrong_effect": (upgrading(effect=bytes(32)), {}),
    "activation_too_soon": (upgrading(activation_delay=9), {}),
    "already_running": (upgrading(code_hash=core_bundle().code_hash), {}),
    "wrong_plan": (planned(from_version="0.9.0"), {}),
    "unknown_migration": (planned(migration_names=("bank.nothing",)), {}),
    "pause_not_declared": (without_a_word_of_its_pause, {}),
    "no_open_window": (proposing(Rollback(upgrade=1), deposit=0), {}),
    "window_too_short": (after_upgrade(lambda w, p: w.propose(FIRST, Rollback(upgrade=p), deposit=0), 10), {}),
    "not_that_upgrade": (after_upgrade(lambda w, p: w.propose(FIRST, Rollback(upgrade=p + 1), deposit=0)), {}),
    "not_scheduled": (
        lambda world: world.propose(FIRST, CancelUpgrade(upgrade=world.proposed(SECOND, A_STATEMENT)), deposit=0),
        {},
    ),
    "stopped_already": (pausing_twice, {}),
    "ends_too_soon": (proposing(Isolate(module="faucet", until=11), deposit=0), {}),
    "not_stopped": (proposing(Resume(), deposit=0), {}),
    "one_guardian": (proposing(AppointGuardian(guardian=(FIRST, SECOND))), {}),
    "not_the_guardian": (lambda world: world.call(FIRST, "guardian_pause", GuardianPause()), {}),
    "not_the_guardians": (guarding("guardian_cancel", Cancel(proposal=2)), {}),
    "already_ended": (as_guardian(cancelling_twice), {}),
    "guardian_cancelled_enough": (as_guardian(cancelling_once_too_often), {"guardian_cancels": 1}),
    "guardian_rests": (as_guardian(stopping_while_it_rests), {"guardian_span": 10}),
    "beyond_the_term": (guarding("guardian_pause", GuardianPause(until=12)), {"guardian_span": 10}),
    "unknown_proposal": (lambda world: world.deposit(FIRST, 9, 1), {}),
    "not_in_deposit": (deposit_on_a_funded_one, {}),
    "no_coins": (an_empty_deposit, {}),
    "too_many_depositors": (one_depositor_too_many, {}),
    "voting_not_open": (voting_early, {}),
    "voting_closed": (voting_late, {}),
    "unknown_option": (voting(option="maybe"), {}),
    "bad_split": (voting(option="", split=(Share(option="yes", weight=WHOLE), Share(option="no", weight=WHOLE))), {}),
    "other_bundle": (voting(bundle=bytes(32)), {}),
    "other_effect": (voting(effect=bytes(32)), {}),
    "same_vote": (the_same_vote_again, {}),
    "nearer_vote": (lambda world: voting_for(world, SECOND, person(3), own_first=True), {}),
    "not_the_proxy": (lambda world: voting_for(world, SECOND, person(3), own_first=False), {}),
    "one_proxy": (lambda world: world.call(FIRST, "name_proxy", NameProxy(proxy=(SECOND, STRANGER))), {}),
    "no_proxy": (lambda world: world.call(FIRST, "name_proxy", NameProxy()), {}),
    "proxy_cycle": (naming(3, 1, 2, 3), {}),
    "proxy_chain_too_long": (a_chain_too_long, {}),
    "vote_for_another_chain": (signing(chain="synod-other"), {}),
    "vote_expired": (signing(expiry=1), {}),
    "vote_used": (signing(twice=True), {}),
    "bad_vote_signature": (signing(forged=True), {}),
    "not_the_proposer": (cancelling_for_another, {}),
    "too_late_to_cancel": (cancelling_after_the_close, {}),
    "no_rehearsal_open": (lambda world: attesting(world, due=False), {}),
    "other_rehearsal_height": (lambda world: attesting(world, height=1), {"rehearsal_gate": 1}),
    "other_bundle_rehearsed": (lambda world: attesting(world, code_hash=bytes(32)), {"rehearsal_gate": 1}),
    "result_too_large": (lambda world: attesting(world, code="x" * 65), {"rehearsal_gate": 1}),
    "already_attested": (attesting_twice, {"rehearsal_gate": 1}),
    "too_many_uploads": (one_upload_too_many, {"max_uploads": 1}),
    "chunk_total": (lambda world: publishing(world, index=1), {}),
    "chunk_size": (lambda world: publishing(world, data=bytes(CHUNK_BYTES + 1)), {}),
    "other_total": (another_total, {}),
    "already_published": (publishing_what_is_there, {}),
    "bundle_missing": (lambda world: world.propose(FIRST, world.upgrade(minor_bundle())), {}),
    "bundle_incomplete": (proposing_part_of_a_bundle, {}),
    "wrong_hash": (proposing_other_bytes, {}),
}


PASSED_ON: dict[str, tuple[Try, dict[str, int | Fraction]]] = {
    "insufficient_funds": (lambda world: world.propose(person(77), Statement()), {}),
    "out_of_bounds": (changing(NewValue(name="voting_period", number=1)), {}),
    "wrong_kind": (changing(NewValue(name="voting_period", number=1, per=2)), {}),
    "bundle_malformed": (proposing_no_bundle, {}),
    "unknown_backup": (proposing(RestoreModule(module="bank", backup=bytes(32))), {}),
    "unknown_key": (signing(key=b""), {}),
    "not_pending": (cancelling_what_takes_effect, {}),
}
"""What the rooms below refuse and governance passes on."""
PLACES = {"need": 1, "refused": 0, "HostRefused": 0, "GovernanceRefused": 0}
"""Where a refusal's code stands among the arguments."""


def test_every_code_of_the_table_has_a_case() -> None:
    assert set(CASES) | ONLY_WHEN_DUE == set(REFUSALS)


def test_every_code_in_the_source_has_a_row_in_the_table_and_every_row_is_used() -> None:
    said, told, texts = set(), set(), set()
    for path in sorted(GOVERNANCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())) if path.name != "errors.py" else ():
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(node.value)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in PLACES:
                code = node.args[PLACES[node.func.id]]
                if isinstance(code, ast.Constant):
                    said.add(code.value)
                else:
                    told.add((path.name, ast.unparse(code)))
    assert said <= {*CASES, *PASSED_ON, *ONLY_WHEN_DUE}
    assert told == {("closing.py", "code"), ("uploads.py", "malformed.code")}, "here no reader of the source sees them"
    assert set(REFUSALS) <= texts, "a row that nothing refuses by is taken out"


@pytest.mark.parametrize("code", [*CASES, *PASSED_ON])
def test_a_refused_call_names_its_rule_and_changes_nothing(code: str, make_world: Make) -> None:
    attempt, parameters = {**CASES, **PASSED_ON}[code]
    world = make_world(parameters=parameters)
    seen: list[object] = []
    send = world.call

    def watched(sender: bytes, name: str, args: object) -> str:
        before, events = world.rows(), len(world.events)
        outcome = send(sender, name, args)
        if outcome != "ok":
            seen.append(world.rows() == before and len(world.events) == events)
        return outcome

    world.call = watched
    assert attempt(world) == code
    assert seen and all(seen)


@pytest.mark.parametrize("text", list(REFUSALS.values()))
def test_a_refusal_is_one_line_that_says_what_to_do_or_what_is_so(text: str) -> None:
    assert "\n" not in text
    assert len(text) > 20


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (NewValue(name="no_such_thing", number=1), "unknown_target"),
        (NewValue(name="voting_period", number=1), "out_of_bounds"),
        (NewValue(name="voting_period", number=1, per=2), "wrong_kind"),
        (ratio("quorum_threshold", Fraction(9, 10)), "out_of_bounds"),
        (ratio("approval_threshold", Fraction(1, 2)), "out_of_bounds"),
        (NewValue(name="rollback_window", number=1), "out_of_bounds"),
        (NewValue(name="max_individual_power_percent", number=20), "rules_conflict"),
        (ratio("emergency_threshold", Fraction(6, 10)), "rules_conflict"),
        (ratio("breaking_threshold", Fraction(6, 10)), "rules_conflict"),
    ],
)
def test_no_vote_can_set_a_parameter_that_would_lock_the_chain(world: World, change: NewValue, code: str) -> None:
    assert world.propose(FIRST, ParameterChange(values=(change,))) == code


def test_an_unpayable_deposit_is_refused_by_the_purse(world: World) -> None:
    assert world.propose(person(77), Statement()) == "insufficient_funds"


def test_who_cannot_pay_has_no_bundle_examined(world: World) -> None:
    content = RuntimeUpgrade(version="1.1.0", code_hash=b"\x05" * 32, effect=bytes(32), activation_delay=10**6)
    assert world.propose(person(77), content) == "insufficient_funds"
    assert world.propose(FIRST, content) == "bundle_missing"
