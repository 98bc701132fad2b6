"""A rehearsal's three upgrades under each preset's tracks, with short periods, else as the preset says.  # R1.6"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from governance.presets import PRESETS
from governance.tracks import said
from node.genesis.document import Genesis, OpenProposal
from node.rehearsal.record import Rehearsal
from node.rehearsal.story import rehearse
from node.rehearsal.world import World
from scripts.rehearse import bundle_of
from tests.governance.test_presets_alive import short
from tests.short_periods import SHORT, short_genesis


def silent(what: str, reached: int, last: int) -> None:
    """Nobody watches."""


def genesis(preset: str, promotion: Mapping[str, str]) -> Genesis:
    chosen = PRESETS[preset]
    rows = {name: short(row) for name, row in chosen.tracks.items()}
    if promotion:
        rows["promotion"] = rows["promotion"].but(**promotion)
    tracks = {name: said(row) for name, row in rows.items()}
    routes = {kind: tuple(names) for kind, names in chosen.routes.items()}
    parameters = {**SHORT, **chosen.parameters}
    return short_genesis().model_copy(update={"parameters": parameters, "tracks": tracks, "routes": routes})


def lived(preset: str, folder: Path, **promotion: str) -> Rehearsal:
    """A rehearsal's record, under a preset whose second votes may have other rules."""
    return lived_from(genesis(preset, promotion), folder)


def lived_from(begun: Genesis, folder: Path) -> Rehearsal:
    world = World.create(folder / "chain", begun)
    try:
        return rehearse(world, bundle_of(None, world.genesis.chain_name), True, silent)
    finally:
        world.close()


@pytest.mark.parametrize(
    ("preset", "safe", "breaking"),
    [
        ("default", ["upgrade"], ["breaking"]),
        ("cosmos", ["regular"], ["breaking"]),
        ("governor", ["governor"], ["breaking"]),
        ("opengov", ["root"], ["breaking"]),
        ("tezos", ["exploration", "promotion"], ["breaking", "promotion"]),
    ],
)
def test_every_preset_s_upgrades_go_their_whole_way(
    preset: str, safe: list[str], breaking: list[str], tmp_path: Path
) -> None:
    record = lived(preset, tmp_path)
    assert record.failures == ()
    assert [one.outcome for one in record.upgrades] == ["executed", "failed", "rolled_back"]
    assert [[vote.track for vote in one.votes] for one in record.upgrades] == [safe, breaking, safe]
    for one in record.upgrades:
        assert {vote.decided for vote in one.votes} == {"approved"}
        assert all(share.reached for vote in one.votes for share in vote.shares)
        heights = [height for vote in one.votes for height in (vote.opened, vote.closed)]
        assert [one.submitted, *heights, one.ended] == sorted({one.submitted, *heights, one.ended})
        confirmed = [bool(vote.confirming) for vote in one.votes]
        assert all(confirmed) if preset == "opengov" else not any(confirmed)


def test_second_votes_of_a_track_with_one_place_are_held_one_after_the_other(tmp_path: Path) -> None:
    """The first upgrade has failed by the time that the second is approved."""
    record = lived("tezos", tmp_path, period="450")
    broken, minting = record.upgrades[1:]
    first, second = broken.votes[1], minting.votes[1]
    assert first.track == second.track and first.closed < second.opened
    assert broken.ended < second.closed
    assert (first.decided, second.decided) == ("approved", "approved")
    assert all(share.reached for share in first.shares)
    assert [one.outcome for one in record.upgrades] == ["executed", "failed", "rolled_back"]


def taken(ends: int) -> Genesis:
    """Where an open vote of another chain has the one place for upgrades, up to a height."""
    begun = genesis("tezos", {})
    opinion = OpenProposal(
        number=1, title="One", proposer=begun.accounts[0].address, status="voting", ends=ends, rules="theirs"
    )
    more = {"proposals": (opinion,), "next_proposal": 2, "rules": {"theirs": {"threshold": "> 1/2"}}}
    return begun.model_copy(update=more)


def test_upgrades_wait_for_the_place_that_an_open_vote_of_another_chain_has(tmp_path: Path) -> None:
    record = lived_from(taken(200), tmp_path)
    assert record.upgrades[0].votes[0].opened == 202, "in the block after the one that closed it"
    assert [one.outcome for one in record.upgrades] == ["executed", "failed", "rolled_back"]
