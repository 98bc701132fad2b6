"""Faults that a bundle shows by its bytes alone: refused when it is proposed, with file and line, and nothing moves."""

from __future__ import annotations

import pytest

from node.rehearsal.world import World
from runtime.bundle.archive import of_files
from tests.scenarios.incidents.whole_path import require_alive, submitted
from tests.scenarios.upgrades import edited, example, running

WRONG_CHAIN = {"manifest": ('chain = "synod-test"', 'chain = "kusama"')}
UNORDERED = {"guestbook": ("ctx.put(entries, ctx.sender", "for one in {1, 2}:\n        ctx.put(entries, ctx.sender")}
FLOATING = {"bank": ("balance=old.balance,", "balance=old.balance + 0.5,")}
NOT_DECLARED = {"guestbook": ("entries = table(", "others = table(")}
NOT_MIGRATED = {
    "treasury": ("field(1)", "field(7)"),
    "manifest": ("Every account", "treasury.donors.given moves. Every account"),
}
READS_ANOTHER = {
    "bank": ('(old: "Old.bank.accounts", frozen: Frozen)', '(old: "Old.bank.accounts", frozen: Frozen, inputs: Inputs)')
}


@pytest.mark.parametrize(
    ("edits", "code", "file"),
    [
        pytest.param(WRONG_CHAIN, "wrong_chain", "bundle.toml", id="I1: the runtime of another chain"),
        pytest.param(UNORDERED, "set", "guestbook.py", id="I10: a loop over a set"),
        pytest.param(FLOATING, "float", "bank.py", id="I10: a float in the state"),
        pytest.param(NOT_DECLARED, "unknown_name", "guestbook.py", id="I11: a table that nothing declares"),
        pytest.param(NOT_MIGRATED, "missing_migration", "treasury.py", id="I11: a changed table without its migration"),
        pytest.param(READS_ANOTHER, "context", "bank.py", id="I15: input that is not declared"),
    ],
)
def test_it_is_refused_with_its_place_and_governance_goes_on(
    world: World, edits: dict[str, tuple[str, str]], code: str, file: str
) -> None:
    chain = world.genesis.chain_name
    named = {name: (old.replace("synod-test", chain), new) for name, (old, new) in edits.items()}
    before = world.last_proposal()
    receipt = submitted(world, edited(example(world), **named), "2.0.0")
    assert (receipt.code, receipt.file, world.last_proposal()) == (code, file, before)
    assert receipt.line > 0 or file == "bundle.toml"
    assert world.coordinator().pending() is None
    require_alive(world)


def test_bytes_that_are_not_on_chain_are_refused_before_any_vote(world: World) -> None:  # I12
    receipt = submitted(world, example(world), "2.0.0", published=False)
    assert receipt.code == "bundle_missing"
    require_alive(world)


def test_a_table_that_a_bundle_drops_without_saying_so_is_refused(world: World) -> None:  # I11
    files = dict(running(world).files)
    del files["faucet.py"]
    receipt = submitted(world, of_files(files), "1.1.0")
    assert (receipt.code, receipt.file) == ("missing_source", "faucet.py")
