"""Power that was borrowed, stolen, moved on or replayed, on a real node. Each public case stands beside its test."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from governance.calls import CastVote, Propose
from governance.electorate import electors_at, voting_power_at
from governance.lifecycle import Status
from governance.progress import proposal_at
from governance.proposals import Content, MaintenanceWindow, Pause, Statement, TreasurySpend
from governance.relaying import RelayedVote, VoteStatement, sign_vote
from governance.tables import VOTES
from governance.tally import Tally
from node.genesis.document import Genesis
from node.genesis.generated import COIN
from node.genesis.substitute import account_key
from node.rehearsal.world import World
from tests.scenarios.upgrades import ballot, open_vote, propose
from tests.short_periods import short_genesis

Make = Callable[..., World]
FORTUNE = 100_000_000 * COIN
"""More than all that is staked."""


def stranger_of(genesis: Genesis) -> bytes:
    """An account that has staked nothing."""
    staked = {one.owner for one in genesis.delegations}
    return next(one.address for one in genesis.accounts if one.key and one.address not in staked)


def with_fortune(genesis: Genesis) -> Genesis:
    """The same chain, whose stranger has come by more coins than all validators together."""
    rich = stranger_of(genesis)
    accounts = [
        one.model_copy(update={"balance": FORTUNE}) if one.address == rich else one for one in genesis.accounts
    ]
    return genesis.model_copy(update={"accounts": tuple(accounts)})


@pytest.fixture
def raided(make_world: Make) -> tuple[World, bytes]:
    """A chain and the raider on it."""
    genesis = with_fortune(short_genesis())
    return make_world(genesis), stranger_of(genesis)


def code_of(world: World, sender: bytes, call: str, args: object) -> str:
    """What became of a host call in a block of its own."""
    world.host(sender, call, args)
    return world.block().receipts[0].code


def tally_of(world: World, proposal: int) -> Tally:
    return proposal_at(world.overlay(), proposal)[1].tally


def test_a1_power_borrowed_for_one_block_neither_proposes_nor_votes(raided: tuple[World, bytes]) -> None:
    """Beanstalk, 2022: a loan of one transaction voted, and its emergency path executed at once."""
    world, raider = raided
    first = world.operators()[0]
    proposal = propose(world, Statement(), 1_000)
    open_vote(world, proposal)
    emergency = Propose(title="Stop", content=Content.of(Pause()), deposit=0, window=MaintenanceWindow())
    world.call(raider, "staking.delegate", validator=first, coins=FORTUNE // 2)
    world.host(raider, "governance.propose", emergency)
    world.host(raider, "governance.vote", ballot(world, proposal, "yes"))
    world.host(first, "governance.vote", ballot(world, proposal, "no"))
    codes = {receipt.code for receipt in world.block().receipts}
    assert codes == {"ok", "below_power_floor", "no_power"}
    before = proposal_at(world.overlay(), proposal)[1].snapshot
    tally = tally_of(world, proposal)
    assert (tally.yes, tally.voters) == (0, 1)
    assert tally.no <= electors_at(world.overlay(), before).power, "nor does the validator vote with the loan"
    assert voting_power_at(world.overlay(), raider, world.height) == FORTUNE // 2, "the loan would have been enough"
    assert code_of(world, raider, "governance.vote", ballot(world, proposal, "yes")) == "no_power"


def test_a6_stolen_coins_that_are_staked_in_time_still_meet_the_delay_and_every_voter(
    raided: tuple[World, bytes],
) -> None:
    """Mango, 2022: the thief voted with the coins he had taken. Coins taken while a vote runs have no say in it, and
    whoever owned the stake as the vote began still has it all."""
    world, raider = raided
    victim = next(one for one in world.genesis.delegations if one.owner != one.validator)
    spend = TreasurySpend(recipient=raider, amount=COIN)
    proposal = propose(world, spend, 1_000)
    open_vote(world, proposal)
    world.call(victim.owner, "staking.undelegate", validator=victim.validator, coins=COIN)
    world.call(raider, "staking.delegate", validator=victim.validator, coins=FORTUNE // 2)
    world.must()
    assert code_of(world, raider, "governance.vote", ballot(world, proposal, "yes")) == "no_power"
    assert code_of(world, victim.owner, "governance.vote", ballot(world, proposal, "no")) == "ok"
    row = world.overlay().get(VOTES, (proposal, victim.owner))
    assert row is not None and row.weight == victim.shares // 10**18, "what was taken since is still his to vote"


def test_stake_that_votes_and_moves_on_is_not_voted_again(world: World) -> None:
    holder = next(one for one in world.genesis.delegations if one.owner != one.validator)
    other = next(one for one in world.operators() if one != holder.validator)
    proposal = propose(world, Statement(), 1_000)
    open_vote(world, proposal)
    world.host(holder.owner, "governance.vote", ballot(world, proposal, "yes"))
    world.must()
    world.call(holder.owner, "staking.undelegate", validator=holder.validator, coins=COIN)
    world.call(world.accounts()[1], "staking.delegate", validator=other, coins=COIN)
    world.must()
    for operator in world.operators():
        world.host(operator, "governance.vote", ballot(world, proposal, "no"))
    world.must()
    tally, electors = tally_of(world, proposal), proposal_at(world.overlay(), proposal)[1].electors
    mine = sum(one.shares // 10**18 for one in world.genesis.delegations if one.owner == holder.owner)
    assert (tally.yes, tally.yes + tally.no) == (mine, electors.power)


def test_a_vote_signed_for_another_chain_or_used_before_is_worth_nothing(make_world: Make) -> None:
    worlds = [make_world(), make_world(short_genesis(seed="another"))]
    assert len({world.application.chain.identity.chain_id for world in worlds}) == 2
    said: list[RelayedVote] = []
    for world in worlds:
        proposal = propose(world, Statement(), 1_000)
        open_vote(world, proposal)
        voter = world.operators()[0]
        statement = VoteStatement(
            chain=world.application.chain.identity.chain_id,
            voter=voter,
            proposal=proposal,
            option="yes",
            effect=ballot(world, proposal, "yes").effect,
        )
        said.append(sign_vote(statement, account_key(world.genesis.seed, voter)))
    here, there = said
    world = worlds[0]
    stranger = stranger_of(world.genesis)
    world.host(stranger, "governance.relay_vote", there)
    world.host(stranger, "governance.relay_vote", here)
    world.host(stranger, "governance.relay_vote", here)
    assert [receipt.code for receipt in world.block().receipts] == ["vote_for_another_chain", "ok", "vote_used"]
    assert tally_of(world, here.statement.proposal).voters == 1


def test_a_vote_that_was_sent_by_transaction_is_no_signed_vote_and_the_other_way(world: World) -> None:
    """A signature over one kind of message says nothing of the other."""
    proposal = propose(world, Statement(), 1_000)
    open_vote(world, proposal)
    voter, stranger = world.operators()[0], stranger_of(world.genesis)
    args: CastVote = ballot(world, proposal, "yes")
    raw = world.wallet(voter).host(world.host_call("governance.vote"), args)
    signature = world.application.decode(raw).signature
    chain = world.application.chain.identity.chain_id
    statement = VoteStatement(chain=chain, voter=voter, proposal=proposal, option="yes", effect=args.effect)
    forged = RelayedVote(statement=statement, signature=signature)
    assert code_of(world, stranger, "governance.relay_vote", forged) == "bad_vote_signature"
    assert proposal_at(world.overlay(), proposal)[1].status == Status.VOTING
