"""Calls that governance refuses, each made where one rule alone forbids it; a call answers with what became of it."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

from governance.admission import MOST_EXAMINED
from governance.attestations import Attest, RehearsalResult
from governance.calls import Cancel, GuardianIsolate, GuardianPause, PublishChunk
from governance.deposits import MOST_DEPOSITORS
from governance.gates import Approve
from governance.proposals import NewValue, ParameterChange, Pause, TreasurySpend, UpgradePlan
from governance.proxies import NameProxy, VoteFor
from governance.relaying import VoteStatement, sign_vote
from governance.tables import GUARDIAN, READINESS, REVIEWERS, Guardian, Mark
from runtime.address import address_of
from runtime.bundle.archive import of_files
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

Try = Callable[[World], str]
STRANGER = person(30)
FIRST, SECOND = person(1), person(2)
SPEND = TreasurySpend(recipient=STRANGER, amount=1)


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


def a_floor_that_nobody_may_reach(world: World) -> str:
    for number in range(10, 20):
        world.bond(person(number), 100)
    world.end_block()
    return world.propose(FIRST, ParameterChange(values=(ratio("emergency_power_floor", Fraction(1, 10)),)))


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


def cancelling_what_takes_effect(world: World) -> str:
    """The guardian's word in the very block in which an upgrade has taken effect."""
    world.overlay.put(GUARDIAN, (), Guardian(address=STRANGER))
    world.publish(FIRST, minor_bundle())
    proposal = world.proposed(FIRST, world.upgrade(minor_bundle()))
    world.passed(proposal)
    world.run_to(world.standing(proposal).effective)
    world.flip(world.standing(proposal).plan, loaded(minor_bundle()))
    return world.call(STRANGER, "guardian_cancel", Cancel(proposal=proposal))


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
        stated = {name: value for name, value in changes.items() if name in VoteStatement.__struct_fields__}
        said = sign_vote(statement.but(**stated), key)
        said = said.but(key=changes.get("key", said.key))
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
