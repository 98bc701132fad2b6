"""A chain that goes on from another's checkpoint: one row differs, and what is due next happens."""

from pathlib import Path

import pytest

from node.errors import NewChainRefused
from node.new_chain import begin_new_chain
from node.rehearsal.world import World
from runtime.identity import CHAIN
from storage.errors import HomeNotEmpty
from storage.signing import LastSigned
from storage.state import State
from storage.tables import Half
from tests.scenarios.upgrades import activated, approved, example
from tests.short_periods import short_genesis


def renamed(old: str) -> str:
    return f"{old}-again"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.create(tmp_path / "old", short_genesis())


def test_exactly_the_row_of_the_chain_s_identity_differs(world: World, tmp_path: Path) -> None:
    world.traffic(3)
    world.must()
    checkpoint = world.application.checkpoint("here")
    names = [name for half in Half for name in world.application.state.catalogue.names(half)]
    roots = {name: world.application.state.table_root(name) for name in names}
    old = world.overlay().get(CHAIN, ())
    world.close()
    made = begin_new_chain(checkpoint, tmp_path / "new", renamed)
    state = State.open(made.home)
    try:
        assert {name for name in names if state.table_root(name) != roots[name]} == {"host.chain"}
        assert state.head.runtime_root == checkpoint.head.runtime_root
        assert (state.height, state.head) == (checkpoint.height, made.head)
    finally:
        state.close()
    assert old is not None
    assert made.identity == old.but(
        chain_id=f"{old.chain_id}-again", parent=checkpoint.head.app_root, initial_height=checkpoint.height
    )
    assert LastSigned.open(made.home.last_signed_file).last.height == 0


def test_blocks_go_on_from_the_same_height_under_the_new_id(world: World, tmp_path: Path) -> None:
    world.forward(5)
    checkpoint = world.application.checkpoint("here")
    world.close()
    begin_new_chain(checkpoint, tmp_path / "new", renamed)
    new = World.open(tmp_path / "new", short_genesis())
    try:
        new.traffic(3)
        made = new.must()
        assert made.prepared.block.header.height == 6
        assert made.prepared.block.header.chain == "synod-local-rehearsal-scenario-again"
    finally:
        new.close()


def test_an_upgrade_due_at_the_next_height_takes_effect_on_the_new_chain_too(world: World, tmp_path: Path) -> None:
    approved(world, example(world))
    pending = world.coordinator().pending()
    assert pending is not None
    world.forward(pending[1].activation - 1)
    checkpoint = world.application.checkpoint("before A")
    world.close()
    begin_new_chain(checkpoint, tmp_path / "new", renamed)
    new = World.open(tmp_path / "new", short_genesis())
    try:
        new.block()
        assert new.coordinator().running().version == "2.0.0"
        assert new.height == pending[1].activation
    finally:
        new.close()


def test_inside_a_rollback_window_no_chain_begins(world: World, tmp_path: Path) -> None:
    activated(world, example(world))
    checkpoint = world.application.checkpoint("in the window")
    world.close()
    with pytest.raises(NewChainRefused) as refused:
        begin_new_chain(checkpoint, tmp_path / "new", renamed)
    assert refused.value.code == "window_open"
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("chain_id", "code"),
    [("", "bad_chain_id"), ("-x", "bad_chain_id"), ("x" * 65, "bad_chain_id"), ("a b", "bad_chain_id")],
)
def test_an_id_must_be_one_and_another(world: World, tmp_path: Path, chain_id: str, code: str) -> None:
    checkpoint = world.application.checkpoint("here")
    world.close()
    with pytest.raises(NewChainRefused) as refused:
        begin_new_chain(checkpoint, tmp_path / "new", lambda _: chain_id)
    assert refused.value.code == code
    with pytest.raises(NewChainRefused) as same:
        begin_new_chain(checkpoint, tmp_path / "new", lambda old: old)
    assert same.value.code == "same_chain_id"
    assert not (tmp_path / "new").exists()


def test_a_folder_that_holds_something_is_left_alone(world: World, tmp_path: Path) -> None:
    checkpoint = world.application.checkpoint("here")
    world.close()
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "mine").write_text("keep")
    with pytest.raises(HomeNotEmpty):
        begin_new_chain(checkpoint, tmp_path / "new", renamed)
    assert (tmp_path / "new" / "mine").read_text() == "keep"
