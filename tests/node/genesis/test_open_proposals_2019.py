"""What the 2019 layout says of what is being decided, in a small export made by hand; the Hub's own is in
test_hub_tally.py.  # R1.6 R2.11"""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from governance.progress import proposal_at
from node.genesis.document import Genesis, Vote
from node.genesis.errors import GenesisInconsistent, GenesisMalformed, GenesisRefused
from node.genesis.reading import read_genesis
from node.rehearsal.world import World
from runtime import bech32

ONE = "1000.000000000000000000"


def person(name: str) -> bytes:
    return sha256(name.encode()).digest()[:20]


def address(name: str, prefix: str = "cosmos") -> str:
    return bech32.encode(prefix, person(name))


def coins(amount: int) -> list[dict[str, str]]:
    return [{"denom": "uatom", "amount": str(amount)}]


def account(name: str, amount: int) -> dict[str, Any]:
    return {"address": address(name), "coins": coins(amount), "original_vesting": None}


def proposal(number: int, status: str, kind: str = "TextProposal") -> dict[str, Any]:
    return {
        "proposal_id": str(number),
        "proposal_content": {"type": f"gov/{kind}", "value": {"title": f"Title {number}", "description": "Words."}},
        "proposal_status": status,
        "deposit_end_time": "2019-04-22T17:00:13Z",
        "voting_end_time": "2019-04-22T17:00:36.5Z",
        "total_deposit": coins(60),
    }


def said(number: int, part: str, **values: Any) -> dict[str, Any]:
    return {"proposal_id": str(number), part: {"proposal_id": str(number), **values}}


@pytest.fixture
def small() -> dict[str, Any]:
    """One validator of 1,000 tokens; a proposal that is voted on and a draft, each with 60 of a deposit of 100."""
    votes = [said(7, "vote", voter=address("operator"), option="NoWithVeto")]
    deposits = [said(number, "deposit", depositor=address("alice"), amount=coins(60)) for number in (7, 8)]
    return {
        "genesis_time": "2019-04-22T17:00:00Z",
        "chain_id": "small-2",
        "app_state": {
            "accounts": [account("alice", 500), account("operator", 0), account("govDepositedCoins", 120)],
            "distr": {"fee_pool": {"community_pool": None}, "outstanding_rewards": None},
            "staking": {
                "params": {"bond_denom": "uatom"},
                "pool": {"bonded_tokens": "1000", "not_bonded_tokens": "620"},
                "validators": [
                    {
                        "operator_address": address("operator", "cosmosvaloper"),
                        "description": {"moniker": "one"},
                        "tokens": "1000",
                        "delegator_shares": ONE,
                        "status": 2,
                    }
                ],
                "delegations": [
                    {
                        "delegator_address": address("operator"),
                        "validator_address": address("operator", "cosmosvaloper"),
                        "shares": ONE,
                    }
                ],
                "unbonding_delegations": None,
            },
            "gov": {
                "starting_proposal_id": "9",
                "deposits": deposits,
                "votes": votes,
                "proposals": [
                    proposal(6, "Passed"),
                    proposal(7, "VotingPeriod", "ParameterChangeProposal"),
                    proposal(8, "DepositPeriod"),
                ],
                "deposit_params": {"min_deposit": coins(100), "max_deposit_period": "1209600000000000"},
                "voting_params": {"voting_period": "1209600000000001"},
                "tally_params": {"quorum": "0.400", "threshold": "0.500", "veto": "0.334"},
            },
        },
    }


def read(document: dict[str, Any]) -> Genesis:
    return read_genesis(json.dumps(document).encode(), "1")


def test_open_proposals_are_read_with_rules_votes_and_deposits(small: dict[str, Any]) -> None:
    genesis = read(small)
    voting, draft = genesis.proposals
    assert (voting.number, voting.ends, voting.votes) == (7, 6, (Vote(voter=person("operator"), ballot="veto"),))
    assert voting.description.startswith("(gov/ParameterChangeProposal: brought over as words alone")
    assert (draft.number, draft.status, draft.ends, draft.description) == (8, "deposit", 3, "Words.")
    assert {one.proposer for one in genesis.proposals} == {genesis.deposit_account}
    rules = {"period": "201601", "deposit_period": "201600", "deposit": "100", "burns": "vetoed rejected unfunded"}
    assert rules.items() <= genesis.rules["regular"].items()
    assert (genesis.next_proposal, genesis.source.notes) == (
        9, ("open proposals that would act, brought over as words alone: 1",),
    )  # fmt: skip


def test_a_draft_that_lapses_and_a_vetoed_proposal_lose_their_deposits(small: dict[str, Any], tmp_path: Path) -> None:
    world = World.create(tmp_path / "home", read(small))
    world.forward(6)
    lapsed, vetoed = (proposal_at(world.overlay(), number)[1] for number in (8, 7))
    assert (lapsed.status, lapsed.ended, lapsed.burned) == ("expired", 3, 60)
    assert (vetoed.status, vetoed.ended, vetoed.burned) == ("vetoed", 6, 60)
    world.close()


DAMAGES: dict[str, tuple[Callable[[dict[str, Any]], object], type[GenesisRefused], str]] = {
    "a vote of two proposals": (
        lambda gov: gov["votes"][0].update(proposal_id="8"), GenesisInconsistent, "gov.votes[0].proposal_id"),
    "a deposit of two proposals": (
        lambda gov: gov["deposits"][0].update(proposal_id="8"), GenesisInconsistent, "gov.deposits[0].proposal_id"),
    "an unknown option": (
        lambda gov: gov["votes"][0]["vote"].update(option="Maybe"), GenesisMalformed, "gov.votes[0].vote.option"),
    "an unknown voter": (
        lambda gov: gov["votes"][0]["vote"].update(voter=address("nobody")),
        GenesisInconsistent, "gov.votes[0]: no account"),
    "an unknown status": (
        lambda gov: gov["proposals"][1].update(proposal_status="Odd"),
        GenesisMalformed, "gov.proposals[1].proposal_status"),
    "no words": (
        lambda gov: gov["proposals"][1].pop("proposal_content"), GenesisMalformed, "gov.proposals[1].proposal_content"),
    "another sum": (
        lambda gov: gov["proposals"][1].update(total_deposit=coins(61)),
        GenesisInconsistent, "gov.proposals[1].total_deposit"),
    "a period of no number": (
        lambda gov: gov["voting_params"].update(voting_period="2 weeks"),
        GenesisMalformed, "gov.voting_params.voting_period"),
    "a threshold below half": (
        lambda gov: gov["tally_params"].update(threshold="0.4"), GenesisMalformed, "gov.tally_params.threshold"),
}  # fmt: skip


@pytest.mark.parametrize("what", DAMAGES)
def test_damage_to_what_is_decided_is_refused_with_its_place(small: dict[str, Any], what: str) -> None:
    damage, error, place = DAMAGES[what]
    damage(small["app_state"]["gov"])
    with pytest.raises(error) as raised:
        read(small)
    assert place in str(raised.value)
