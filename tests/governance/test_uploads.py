"""Bundles on their way to the chain and on it: how long an upload lasts, how much there can be, what stays."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from governance.calls import PublishChunk
from governance.lifecycle import Status
from governance.tables import (
    BUNDLE_USES,
    COUNTERS,
    PROPOSALS,
    PULSE,
    UPLOAD_CHUNKS,
    UPLOAD_ENDS,
    UPLOADS,
    Counters,
    Pulse,
)
from governance.uploads import COLLECTED_PER_BLOCK
from runtime.bundles import BUNDLES, CHUNKS, MOST_CHUNKS, stored_bundle
from runtime.plans import CANCELLED, EXECUTED, FAILED, SUPERSEDED
from tests.governance.world import World, breaking_bundle, core_bundle, minor_bundle, person

Make = Callable[..., World]
FIRST, SECOND = person(1), person(2)
STRANGER = person(30)
LIFETIME = 12
BRIEF = {"upload_lifetime": LIFETIME}


def chunk(world: World, sender: bytes, name: bytes, index: int = 0, total: int = 1) -> str:
    """Publish a chunk of a bundle that is none, under a hash of its own."""
    args = PublishChunk(code_hash=name.ljust(32, b"."), index=index, total=total, data=b"some bytes")
    return world.call(sender, "publish_chunk", args)


def uploading(world: World) -> set[bytes]:
    return {key[0] for key, _ in world.overlay.scan(UPLOADS)}


def is_stored(world: World, code_hash: bytes) -> bool:
    """Whether all of a bundle is on chain; never a part of it."""
    meta = world.overlay.get(BUNDLES, (code_hash,))
    pieces = sum(1 for _ in world.overlay.scan(CHUNKS, (code_hash,)))
    assert pieces == (0 if meta is None else meta.chunks)
    return meta is not None


@pytest.fixture
def brief(make_world: Make) -> World:
    """A world whose uploads end soon."""
    return make_world(parameters=BRIEF)


def test_an_upload_can_be_proposed_to_its_last_height_and_no_longer(brief: World) -> None:
    brief.publish(FIRST, minor_bundle())
    brief.publish(STRANGER, minor_bundle())
    brief.run_to(brief.height + LIFETIME)
    assert brief.propose(FIRST, brief.upgrade(minor_bundle())) == "ok"
    brief.publish(SECOND, breaking_bundle())
    brief.run_to(brief.height + LIFETIME + 1)
    assert brief.propose(SECOND, brief.upgrade(breaking_bundle())) == "bundle_missing"
    for table in (UPLOADS, UPLOAD_CHUNKS, UPLOAD_ENDS):
        assert not list(brief.overlay.scan(table))


def test_more_chunks_do_not_prolong_an_upload(brief: World) -> None:
    began = brief.height
    chunk(brief, FIRST, b"slow", 0, 2)
    brief.run_to(began + LIFETIME)
    assert chunk(brief, FIRST, b"slow", 0, 2) == chunk(brief, FIRST, b"slow", 1, 2) == "ok"
    brief.end_block()
    assert FIRST not in uploading(brief)
    assert chunk(brief, FIRST, b"slow", 1, 2) == "ok"
    assert len(list(brief.overlay.scan(UPLOAD_CHUNKS, (FIRST,)))) == 1, "it begins anew, without what was there"


def test_an_upload_keeps_the_lifetime_it_began_with(brief: World) -> None:
    began = brief.height
    chunk(brief, FIRST, b"long")
    brief.context_for(b"").parameters.set("upload_lifetime", 10, began + 1)
    brief.end_block()
    chunk(brief, SECOND, b"brief")
    brief.run_to(began + 12)
    assert uploading(brief) == {FIRST}
    brief.end_block()
    assert uploading(brief) == set()


def test_ended_uploads_are_collected_in_order_and_a_bounded_number_a_block(brief: World) -> None:
    many = [person(number) for number in range(5, 5 + 2 * COLLECTED_PER_BLOCK + 1)]
    ended = brief.height + LIFETIME
    for publisher in reversed(many):
        assert chunk(brief, publisher, b"none") == "ok"
    brief.end_block()
    assert chunk(brief, SECOND, b"later") == "ok"
    left = set(many)
    brief.run_to(ended + 1)
    for start in range(0, len(many), COLLECTED_PER_BLOCK):
        left -= set(many[start : start + COLLECTED_PER_BLOCK])
        assert uploading(brief) - {SECOND} == left
        brief.end_block()
    assert not uploading(brief)


def test_an_upload_that_waits_to_be_collected_has_ended_all_the_same(brief: World) -> None:
    for number in range(5, 5 + COLLECTED_PER_BLOCK):
        chunk(brief, person(number), b"none")
    last = person(30)
    brief.publish(last, minor_bundle())
    brief.run_to(brief.height + LIFETIME + 1)
    assert uploading(brief) == {last}
    assert brief.propose(last, brief.upgrade(minor_bundle())) == "bundle_missing"


def test_a_publisher_uploads_one_bundle_at_a_time(world: World) -> None:
    world.publish(FIRST, minor_bundle())
    world.publish(SECOND, minor_bundle())
    world.publish(FIRST, breaking_bundle())
    rows = {key[0]: row.code_hash for key, row in world.overlay.scan(UPLOADS)}
    assert rows == {FIRST: breaking_bundle().code_hash, SECOND: minor_bundle().code_hash}
    assert world.propose(FIRST, world.upgrade(minor_bundle())) == "bundle_missing"
    assert world.propose(SECOND, world.upgrade(minor_bundle())) == "ok"


def test_a_publisher_holds_no_more_chunks_than_a_bundle_has(world: World) -> None:
    for index in range(MOST_CHUNKS):
        assert chunk(world, STRANGER, b"large", index, MOST_CHUNKS) == "ok"
    assert chunk(world, STRANGER, b"large", MOST_CHUNKS, MOST_CHUNKS + 1) == "chunk_total"
    assert chunk(world, STRANGER, b"other", 3, 4) == "ok"
    assert [key for key, _ in world.overlay.scan(UPLOAD_CHUNKS)] == [(STRANGER, 3)]


def test_strangers_share_places_and_voters_need_none(make_world: Make) -> None:
    world = make_world(parameters={**BRIEF, "max_uploads": 2})
    assert chunk(world, STRANGER, b"one") == chunk(world, person(31), b"two") == "ok"
    assert chunk(world, person(32), b"three") == "too_many_uploads"
    assert chunk(world, STRANGER, b"one", 0, 1) == chunk(world, STRANGER, b"another") == "ok", "its own place"
    assert chunk(world, FIRST, b"four") == chunk(world, SECOND, b"five") == "ok"
    world.run_to(world.height + LIFETIME + 1)
    assert chunk(world, person(32), b"three") == "ok"


def test_a_proposed_upload_gives_its_place_back(make_world: Make) -> None:
    world = make_world(parameters={"max_uploads": 1})
    world.publish(STRANGER, minor_bundle())
    world.proposed(STRANGER, world.upgrade(minor_bundle()))
    assert chunk(world, person(31), b"next") == "ok"


def test_a_bundle_goes_with_the_last_proposal_that_names_it(world: World) -> None:
    world.publish(FIRST, minor_bundle())
    first = world.proposed(FIRST, world.upgrade(minor_bundle()))
    second = world.proposed(SECOND, world.upgrade(minor_bundle()))
    assert world.cancel(FIRST, first) == "ok"
    assert is_stored(world, minor_bundle().code_hash)
    world.open(second)
    world.close(second)
    assert world.status(second) is Status.REJECTED
    assert not is_stored(world, minor_bundle().code_hash)
    assert world.propose(FIRST, world.upgrade(minor_bundle())) == "bundle_missing"
    world.publish(FIRST, minor_bundle())
    assert world.propose(FIRST, world.upgrade(minor_bundle())) == "ok"


@pytest.mark.parametrize("end", [EXECUTED, FAILED, CANCELLED, SUPERSEDED])
def test_a_scheduled_bundle_stays_whatever_becomes_of_its_plan(world: World, end: str) -> None:
    world.publish(FIRST, minor_bundle())
    proposal = world.proposed(FIRST, world.upgrade(minor_bundle()))
    world.passed(proposal)
    world.run_to(world.standing(proposal).effective)
    world.context_for(b"").coordinator.end(world.standing(proposal).plan, end, reason="because")
    world.end_block()
    assert world.status(proposal).is_final
    assert stored_bundle(world.overlay, minor_bundle().code_hash) == minor_bundle()


def test_a_bundle_that_is_not_scheduled_at_the_close_goes(world: World) -> None:
    world.publish(FIRST, minor_bundle())
    proposal = world.proposed(FIRST, world.upgrade(minor_bundle()))
    world.open(proposal)
    for voter in world.voters:
        world.vote(voter, proposal, "yes")
    world.overlay.put(PROPOSALS, (proposal,), world.what(proposal).but(effect=bytes(32)))
    world.close(proposal)
    assert world.status(proposal) is Status.FAILED
    assert not is_stored(world, minor_bundle().code_hash)


def test_the_bundle_of_genesis_is_kept_for_good(world: World) -> None:
    use = world.overlay.get(BUNDLE_USES, (core_bundle().code_hash,))
    assert use is not None and use.kept
    assert stored_bundle(world.overlay, core_bundle().code_hash) == core_bundle()


PUBLISHERS = [person(number) for number in (1, 2, 5, 6, 7, 8)]
"""Two voters and four strangers, who share two places."""


class Uploading(RuleBasedStateMachine):
    """Any order of chunks, switches and blocks, against a plain model of who holds what until when."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(parameters={**BRIEF, "max_uploads": 2})
        self.held: dict[bytes, tuple[bytes, int, int, set[int]]] = {}

    @rule(
        sender=st.sampled_from(PUBLISHERS),
        name=st.sampled_from([b"one", b"two"]),
        total=st.integers(1, 3),
        index=st.integers(0, 3),
    )
    def publish(self, sender: bytes, name: bytes, total: int, index: int) -> None:
        code = chunk(self.world, sender, name, index, total)
        mine = self.held.get(sender)
        if index >= total:
            assert code == "chunk_total"
        elif mine is not None and mine[0] == name:
            assert code == ("ok" if mine[1] == total else "other_total")
            mine[3].update([index] if code == "ok" else [])
        elif mine is None and sender not in self.world.voters and len(self.strangers()) >= 2:
            assert code == "too_many_uploads"
        else:
            assert code == "ok"
            self.held[sender] = (name, total, self.world.height + LIFETIME, {index})

    def strangers(self) -> set[bytes]:
        return self.held.keys() - set(self.world.voters)

    @rule(blocks=st.integers(1, LIFETIME))
    def go_on(self, blocks: int) -> None:
        self.world.run_to(self.world.height + blocks)
        self.held = {sender: mine for sender, mine in self.held.items() if mine[2] >= self.world.height}

    @invariant()
    def what_is_held_is_what_the_model_says(self) -> None:
        overlay = self.world.overlay
        rows = {key[0]: (row.total, row.ends) for key, row in overlay.scan(UPLOADS)}
        assert rows == {sender: (total, ends) for sender, (_, total, ends, _) in self.held.items()}
        assert {key for key, _ in overlay.scan(UPLOAD_ENDS)} == {(ends, sender) for sender, (_, ends) in rows.items()}
        there = {key for key, _ in overlay.scan(UPLOAD_CHUNKS)}
        assert there == {(sender, index) for sender, mine in self.held.items() for index in mine[3]}
        assert (overlay.get(COUNTERS, ()) or Counters()).shared_uploads == len(self.strangers())
        looked_at = (overlay.get(PULSE, ()) or Pulse()).next_upload_end
        assert not rows or 0 < looked_at <= min(ends for _, ends in rows.values())


Uploading.TestCase.settings = settings(
    max_examples=30, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
test_uploads_keep_their_bounds = Uploading.TestCase
