"""I5: a node of an older release stops before what it cannot execute and says which release goes on from there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from governance.progress import proposal_at
from node.rehearsal.world import World
from runtime import library
from runtime.errors import HostTooOld
from runtime.plans import SCHEDULED
from storage.home import RELEASE
from tests.scenarios.incidents.whole_path import require_alive, submitted
from tests.scenarios.upgrades import edited, example, vote
from tests.short_periods import GATED, SHORT, short_genesis

NEWER = "0.2.0"


def approved_for_a_newer_release(world: World) -> int:
    """A bundle that needs a newer release, proposed and voted through; its activation height."""
    bundle = edited(example(world), manifest=(f'host = "{RELEASE}"', f'host = "{NEWER}"'))
    assert submitted(world, bundle, "2.0.0").code == "ok", "what nodes of several releases decide is the same on all"
    proposal = world.last_proposal()
    vote(world, proposal, "yes")
    world.forward(proposal_at(world.overlay(), proposal)[1].due)
    return proposal_at(world.overlay(), proposal)[1].effective


def test_it_stops_before_the_height_and_a_newer_release_goes_on_from_there(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(short_genesis(parameters=SHORT))
    activation = approved_for_a_newer_release(world)
    world.forward(activation - 1)
    head = world.application.state.head
    for _ in range(2):
        with pytest.raises(HostTooOld, match=f"needs Synod {NEWER}, this is {RELEASE}: install {NEWER}"):
            world.block()
        assert world.application.state.head == head, "nothing is committed, nothing is lost"
    world.close()
    monkeypatch.setattr(library, "RELEASE", NEWER)
    newer = World.open(world.home.root, world.genesis)
    newer.block()
    assert str(newer.application.chain.loaded.version) == "2.0.0"
    require_alive(newer)
    newer.close()


def test_its_rehearsal_says_beforehand_what_to_install_and_holds_nothing_against_the_upgrade(
    make_world: Callable[..., World],
) -> None:
    world = make_world(short_genesis(parameters=GATED))
    activation = approved_for_a_newer_release(world)
    world.forward(activation - 1)
    plan = world.coordinator().pending()
    assert plan is not None and plan[1].state == SCHEDULED and plan[1].activation > activation, "it is postponed"
    said = [fields for event, fields in world.told.events if event == "rehearsal_impossible"]
    assert {fields["code"] for fields in said} == {"host_too_old"}
    assert all(f"install {NEWER}" in fields["message"] for fields in said)
    assert [event for event, _ in world.told.events if event == "rehearsal_attested"] == []
