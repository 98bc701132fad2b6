"""Every refusal that governance knows, met once, and nothing changed by it.  # R2.2 R1.7 N6"""

from __future__ import annotations

import ast
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from governance.admission import MOST_EXAMINED
from governance.attestations import Attest, RehearsalResult
from governance.ballots import WHOLE, Share
from governance.calls import MOST_ITEMS, Cancel, GuardianIsolate, GuardianPause, PublishChunk
from governance.deposits import MOST_DEPOSITORS
from governance.errors import REFUSALS
from governance.gates import Approve
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
    Resume,
    Rollback,
    RuntimeUpgrade,
    Statement,
    TreasurySpend,
    UpgradePlan,
)
from governance.proxies import NameProxy, VoteFor
from governance.relaying import VoteStatement, sign_vote
from governance.tables import GUARDIAN, READINESS, REVIEWERS, Guardian, Mark
from runtime.address import address_of
from runtime.bundle.archive import of_files
from runtime.bundles import CHUNK_BYTES
from runtime.keys import PrivateKey
from storage.record import Record
from tests.governance.world import (
    A_STATEMENT,
    CHAIN_NAME,
    World,
    breaking_bundle,
    core_bundle,
    loaded,
    minor_bundle,
    person,
)

Make = Callable[..., World]
GOVERNANCE = Path(__file__).parents[2] / "governance"
Try = Callable[[World], str]
STRANGER = person(30)
FIRST, SECOND = person(1), person(2)


def proposing(content: object, **details: object) -> Try:
    return lambda world: world.propose(FIRST, content, **details)


def upgrading(**changes: object) -> Try:
    def attempt(world: World) -> str:
        world.publish(FIRST, minor_bundle())
        return world.propose(FIRST, world.upgrade(minor_bundle(), **changes))

    return attempt


def planned(**changes: object) -> Try:
    plan = UpgradePlan(from_version="1.0.0", to_version="1.1.0").but(**changes)
    return upgrading(plan=(plan,))


def without_a_word_of_its_pause(world: World) -> str:
    """A proposal whose bundle requires a pause; one that says so is taken."""
    files = dict(minor_bundle().files)
    files["bundle.toml"] = files["bundle.toml"].replace(b"[bundle]\n", b"[bundle]\nrequires_pause = true\n", 1)
    pausing = of_files(files)
    world.publish(FIRST, pausing)
    refusal = world.propose(FIRST, world.upgrade(pausing))
    plan = UpgradePlan(from_version="1.0.0", to_version="1.1.0", requires_pause=True)
    assert world.propose(FIRST, world.upgrade(pausing, plan=(plan,))) == "ok"
    return refusal


def changing(*values: NewValue) -> Try:
    return proposing(ParameterChange(values=values))


def ratio(name: str, share: Fraction) -> NewValue:
    return NewValue(name=name, number=share.numerator, per=share.denominator)


def voting(**changes: object) -> Try:
    def attempt(world: World) -> str:
        proposal = world.proposed(FIRST, A_STATEMENT)
        world.open(proposal)
        return world.vote(changes.pop("voter", SECOND), proposal, changes.pop("option", "yes"), **changes)

    return attempt


def after_upgrade(attempt: Callable[[World, int], str], window: int = 100) -> Try:
    """Bring an upgrade into force first; the attempt gets its proposal."""

    def run(world: World) -> str:
        world.publish(FIRST, minor_bundle())
        proposal = world.proposed(FIRST, world.upgrade(minor_bundle()))
        world.passed(proposal)
        world.run_to(world.standing(proposal).effective)
        world.flip(world.standing(proposal).plan, loaded(minor_bundle()), window)
        world.end_block()
        return attempt(world, proposal)

    return run


def too_many_calls(world: World) -> str:
    proposal = world.proposed(FIRST, A_STATEMENT)
    codes = [world.propose(FIRST, A_STATEMENT, title="") for _ in range(3)]
    assert codes == ["no_title"] * 3, "a refused call counts as well"
    return world.cancel(FIRST, proposal)


def too_many_bundles(world: World) -> str:
    world.publish(FIRST, minor_bundle())
    proposal = world.upgrade(minor_bundle(), version="9.9.9")
    assert [world.propose(FIRST, proposal) for _ in range(MOST_EXAMINED)] == ["wrong_version"] * MOST_EXAMINED
    return world.propose(SECOND, proposal)


def too_many_open(world: World) -> str:
    world.proposed(FIRST, A_STATEMENT)
    return world.propose(FIRST, A_STATEMENT)


def breaking_on_the_plain_track(world: World) -> str:
    world.publish(FIRST, breaking_bundle())
    return world.propose(FIRST, world.upgrade(breaking_bundle()), track="upgrade")


def a_second_emergency(world: World) -> str:
    world.emergency(FIRST, Pause())
    return world.propose(FIRST, Pause(), deposit=0)


def pausing_twice(world: World) -> str:
    world.executed(world.emergency(FIRST, Pause()))
    return world.propose(FIRST, Pause(), deposit=0)


def deposit_on_a_funded_one(world: World) -> str:
    return world.deposit(SECOND, world.proposed(FIRST, A_STATEMENT), 5)


def an_empty_deposit(world: World) -> str:
    return world.deposit(SECOND, world.proposed(FIRST, A_STATEMENT, deposit=250), 0)


def one_depositor_too_many(world: World) -> str:
    proposal = world.proposed(FIRST, A_STATEMENT, deposit=250)
    bank = world.runtime.tables["bank.accounts"]
    for number in range(2, MOST_DEPOSITORS + 1):
        world.overlay.put(bank, (person(1_000 + number),), bank.record(balance=1))
        assert world.deposit(person(1_000 + number), proposal, 1) == "ok"
    return world.deposit(STRANGER, proposal, 1)


def voting_early(world: World) -> str:
    return world.vote(SECOND, world.proposed(FIRST, A_STATEMENT), "yes")


def voting_late(world: World) -> str:
    proposal = world.proposed(FIRST, A_STATEMENT)
    world.open(proposal)
    world.close(proposal)
    return world.vote(SECOND, proposal, "yes")


def the_same_vote_again(world: World) -> str:
    proposal = world.proposed(FIRST, A_STATEMENT)
    world.open(proposal)
    assert world.vote(SECOND, proposal, "no") == "ok"
    return world.vote(SECOND, proposal, "no")


def cancelling_for_another(world: World) -> str:
    return world.cancel(SECOND, world.proposed(FIRST, A_STATEMENT))


def cancelling_after_the_close(world: World) -> str:
    proposal = world.proposed(FIRST, TreasurySpend(recipient=STRANGER, amount=1))
    world.passed(proposal)
    return world.cancel(FIRST, proposal)


def publishing(world: World, **changes: object) -> str:
    chunk = PublishChunk(code_hash=bytes(32), index=0, total=1, data=b"x")
    return world.call(changes.pop("sender", STRANGER), "publish_chunk", chunk.but(**changes))


def one_upload_too_many(world: World) -> str:
    assert publishing(world, sender=person(31)) == "ok"
    return publishing(world)


def another_total(world: World) -> str:
    assert publishing(world, total=2) == "ok"
    return publishing(world, index=1, total=3)


def proposing_part_of_a_bundle(world: World) -> str:
    hash_ = minor_bundle().code_hash
    assert publishing(world, sender=FIRST, code_hash=hash_, total=2) == "ok"
    return world.propose(FIRST, world.upgrade(minor_bundle()))


def proposing_other_bytes(world: World) -> str:
    hash_ = minor_bundle().code_hash
    assert publishing(world, sender=FIRST, code_hash=hash_, data=core_bundle().archive) == "ok"
    return world.propose(FIRST, world.upgrade(minor_bundle()))


def proposing_no_bundle(world: World) -> str:
    hash_ = minor_bundle().code_hash
    assert publishing(world, sender=FIRST, code_hash=hash_, data=b"no archive") == "ok"
    return world.propose(FIRST, world.upgrade(minor_bundle()))


def publishing_what_is_there(world: World) -> str:
    world.publish(FIRST, minor_bundle())
    world.proposed(FIRST, world.upgrade(minor_bundle()))
    return publishing(world, code_hash=minor_bundle().code_hash)


def attesting(world: World, due: bool = True, **changes: object) -> str:
    height = 1
    if due:
        world.publish(FIRST, minor_bundle())
        world.passed(world.proposed(FIRST, world.upgrade(minor_bundle())))
        row = world.overlay.get(READINESS, (1,))
        assert row is not None
        height = row.first
        world.run_to(height + 1)
    said = RehearsalResult(plan=1, code_hash=minor_bundle().code_hash, height=height, runtime_root=bytes(32))
    return world.call(FIRST, "attest", Attest(result=said.but(**changes)))


def attesting_twice(world: World) -> str:
    assert attesting(world) == "ok"
    row = world.overlay.get(READINESS, (1,))
    assert row is not None
    said = RehearsalResult(plan=1, code_hash=minor_bundle().code_hash, height=row.first, runtime_root=bytes(32))
    return world.call(FIRST, "attest", Attest(result=said))


def as_guardian(attempt: Try) -> Try:
    """With the stranger in the guardian's post, and proposals 1 (a spend) and 2 (words) open."""

    def run(world: World) -> str:
        world.overlay.put(GUARDIAN, (), Guardian(address=STRANGER))
        world.proposed(FIRST, SPEND)
        world.proposed(FIRST, A_STATEMENT)
        return attempt(world)

    return run


def guarding(name: str, args: Record) -> Try:
    return as_guardian(lambda world: world.call(STRANGER, name, args))


def cancelling_twice(world: World) -> str:
    assert world.call(STRANGER, "guardian_cancel", Cancel(proposal=1)) == "ok"
    return world.call(STRANGER, "guardian_cancel", Cancel(proposal=1))


def cancelling_once_too_often(world: World) -> str:
    assert world.call(STRANGER, "guardian_cancel", Cancel(proposal=1)) == "ok"
    return world.call(STRANGER, "guardian_cancel", Cancel(proposal=world.proposed(SECOND, SPEND)))


def stopping_while_it_rests(world: World) -> str:
    assert world.call(STRANGER, "guardian_pause", GuardianPause()) == "ok"
    world.run_to(world.height + 11)
    return world.call(STRANGER, "guardian_isolate", GuardianIsolate(module="faucet"))


def signing(**changes: object) -> Try:
    """Relay a vote that the key's owner, who has all power, has signed; twice when ``twice`` says so."""

    def attempt(world: World) -> str:
        key = PrivateKey.from_seed(b"k" * 32)
        voter, forged = address_of(key.public), changes.get("forged", False)
        world.bond(voter, 10_000)
        proposal = world.proposed(FIRST, A_STATEMENT)
        world.open(proposal)
        statement = VoteStatement(
            chain=CHAIN_NAME, voter=voter, proposal=proposal, option="yes", effect=world.what(proposal).effect
        )
        said = sign_vote(statement.but(**{k: v for k, v in changes.items() if k not in ("forged", "twice")}), key)
        if changes.get("twice"):
            assert world.call(STRANGER, "relay_vote", said) == "ok"
        if forged:
            said = said.but(statement=said.statement.but(option="no"))
        return world.call(STRANGER, "relay_vote", said)

    return attempt


def naming(*chain: int) -> Try:
    """Let each of these persons name the next one its proxy; what the last of them is told."""

    def attempt(world: World) -> str:
        codes = [
            world.call(person(account), "name_proxy", NameProxy(proxy=(person(proxy),)))
            for account, proxy in reversed(list(pairwise(chain)))
        ]
        assert set(codes[:-1]) <= {"ok"}
        return codes[-1]

    return attempt


def a_chain_too_long(world: World) -> str:
    """Six steps, each named behind the last one: the first who would stand too far away is refused."""
    for number in range(10, 16):
        world.bond(person(number), 5)
    world.end_block()
    return naming(10, 11, 12, 13, 14, 15)(world)


def voting_for(world: World, voter: bytes, proxy: bytes, own_first: bool) -> str:
    proposal = world.proposed(FIRST, A_STATEMENT)
    world.open(proposal)
    if own_first:
        assert naming(2, 3)(world) == "ok"
        assert world.vote(SECOND, proposal, "no") == "ok"
    args = VoteFor(voter=voter, proposal=proposal, option="yes", effect=world.what(proposal).effect)
    return world.call(proxy, "vote_for", args)


def proposing_what_failed(world: World) -> str:
    proposal = world.proposed(FIRST, SPEND)
    world.open(proposal)
    world.close(proposal)
    return world.propose(SECOND, SPEND)


def proposing_after_an_end(world: World) -> str:
    proposal = world.proposed(FIRST, A_STATEMENT)
    assert world.cancel(FIRST, proposal) == "ok"
    return world.propose(FIRST, SPEND, after=proposal)


def upgrading_after(world: World) -> str:
    return world.propose(FIRST, world.upgrade(minor_bundle()), after=world.proposed(FIRST, A_STATEMENT))


def approving(name: str, sender: bytes = SECOND, **rules: str) -> Try:
    """On a proposal that has passed a vote on a track with gates; the stranger is the reviewer, all vote yes but the
    fourth."""

    def run(world: World) -> str:
        world.track("ordinary", **{"reviews": "1", "implementation": ">= 1/2", **rules})
        world.overlay.put(REVIEWERS, (STRANGER,), Mark())
        proposal = world.proposed(FIRST, SPEND)
        world.open(proposal)
        for number in (1, 2, 3):
            assert world.vote(person(number), proposal, "yes") == "ok"
        assert world.vote(person(4), proposal, "no") == "ok"
        world.close(proposal)
        args = Approve(proposal=proposal, effect=world.what(proposal).effect)
        if name == "twice":
            assert world.call(STRANGER, "review", args) == "ok"
            return world.call(STRANGER, "review", args)
        return world.call(sender, name, args)

    return run


SPEND = TreasurySpend(recipient=STRANGER, amount=1)

ONLY_WHEN_DUE = {"predecessor_waits"}
"""What refuses an act when its turn comes, never a call: see test_life."""

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
