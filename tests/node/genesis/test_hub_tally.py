"""The Hub's two open proposals, counted by the votes of its export over the electorate of its export.  # R1.6 R2.11

The count is held against x/gov's way to count, written apart: each validator's tokens are shared out by shares, a
delegator's own vote comes out of its validator, and only then is anything rounded.
"""

import json
from fractions import Fraction
from pathlib import Path

import pytest

from governance.electorate import electors_at, voting_power_at
from governance.presets import PRESETS
from governance.proposals import Content, MaintenanceWindow, Proposal, Standing, Statement, Words
from governance.reading import outlook
from governance.ruletext import resolve
from governance.shares import shares
from governance.tally import Tally
from governance.tracktable import reading
from governance.whatif import SupposedVote, suppose
from node.application import Application
from node.beginning import begin
from node.genesis.cosmos_common import Reading
from node.genesis.document import Genesis
from node.genesis.place import Place
from node.verification import Verifier
from runtime.parameters import Parameters

OPTIONS = {"Yes": "yes", "No": "no", "Abstain": "abstain", "NoWithVeto": "veto"}
UNITS = {
    "4": (31_883_733_525_751, 8_300_813_456_747, 0, 5_892_077_424_181),
    "5": (94_299_453_273_394, 1_755_529_513_668, 302_549_210_682, 3_658_358_891_559),
}
"""Of 121,093,128,551,286 bonded: yes, no, abstain, veto."""
ENDS = {"4": (37, "no_quorum"), "5": (80, "passed")}
"""Voters who had any bonded stake, and what a close at the export's height would say."""
HUB_RULES = {"quorum": ">= 2/5", "threshold": "> 1/2", "veto": "> 334/1000"}
"""The export's tally_params."""


def votes_of(hub_file: Path, proposal: str) -> list[SupposedVote]:
    """The export's votes on a proposal."""
    state = json.loads(hub_file.read_bytes())["app_state"]["gov"]["votes"]
    to_bytes = Reading(denomination="uatom", prefix="cosmos", genesis=0)
    return [
        SupposedVote(to_bytes.account(Place(one["vote"], "vote"), "voter"), OPTIONS[one["vote"]["option"]])
        for one in state
        if one["proposal_id"] == proposal
    ]


def exact_count(hub: Genesis, votes: list[SupposedVote]) -> dict[str, Fraction]:
    """What x/gov counts, unrounded."""
    said = {one.voter: one.option for one in votes}
    left = {one.operator: Fraction(one.tokens) for one in hub.validators if one.bonded}
    rate = {one.operator: Fraction(one.tokens, one.shares) for one in hub.validators if one.bonded}
    counts = dict.fromkeys(OPTIONS.values(), Fraction(0))
    for part in hub.delegations:
        if part.owner in said and part.validator in left:
            coins = part.shares * rate[part.validator]
            left[part.validator] -= coins
            counts[said[part.owner]] += coins
    for operator, coins in left.items():
        if operator in said:
            counts[said[operator]] += coins
    return counts


@pytest.mark.parametrize(("number", "votes"), [("4", 38), ("5", 82)])
def test_the_hub_s_open_proposals_are_counted_as_x_gov_counts(
    hub: Genesis, hub_file: Path, tmp_path: Path, number: str, votes: int
) -> None:
    home, _ = begin(tmp_path / "home", hub, "")
    with Verifier() as verifier:
        application = Application.open(home, verifier)
        view = application.state.view()
        electors, cast = electors_at(view, 0), votes_of(hub_file, number)
        assert len(cast) == votes
        row = PRESETS["cosmos"].tracks["regular"].but(**HUB_RULES)
        what = Proposal(
            proposer=bytes(20),
            submitted=0,
            content=Content.of(Statement()),
            words=Words(title="As exported", window=MaintenanceWindow()),
            track=resolve("regular", row, reading(Parameters(application.state.overlay(), 1))),
            effect=bytes(32),
        )
        standing = Standing(status="voting", opened=1, closes=100, electors=electors, tally=Tally())
        able = [one for one in cast if voting_power_at(view, one.voter, 0)]
        counted = suppose(view, 1, what, standing, able)
        tally, exact = counted.standing.tally, exact_count(hub, cast)
        rounded = sum(part.owner in {one.voter for one in cast} for part in hub.delegations)
        traced = list(shares(counted.rows, 1, 0))
        assert sum(share.power for share in traced) == electors.power
        for place, option in enumerate(OPTIONS.values()):
            units = getattr(tally, option)
            assert units == sum(share.parts[place] for share in traced)
            assert abs(units - exact[option]) <= rounded, "less than a unit for each delegation that is voted"
        look = outlook(what, counted.standing)
        assert (tally.yes, tally.no, tally.abstain, tally.veto) == UNITS[number]
        assert (tally.voters, look.reason) == ENDS[number]
        application.close()
