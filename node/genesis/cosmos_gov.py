"""What a Cosmos chain is deciding, from either layout of its gov module: open proposals, deposits, votes and rules.

- Proposals that wait for their deposit or are being voted on come over under their own numbers, with their deposits and
  votes; finished ones stay behind. Those that would act (parameters, upgrades, spends) mean nothing to this chain's
  runtime: they come over as words alone, and say so.
- A time becomes a height as it does for unbonding (`node.genesis.schedules`). x/gov counts at the end of the first
  block at or after a vote's end, so that is the last height at which votes count.
- The rules are the export's, over the row of the cosmos preset for what it does not state.
- A file that names no proposer has the deposit account stand for it: no key opens that, so nobody withdraws.
- A vote of somebody without power (less than a unit of bonded stake) stays in the document and counts nothing; how
  many there are, the notes say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from governance.calls import LONGEST_DESCRIPTION, LONGEST_TITLE
from governance.electorate import NO_POWER, worth
from governance.ruletext import RuleUnreadable, read_value
from governance.tables import Power
from governance.tracks import TrackRow
from node.genesis.cosmos_common import Reading, must_equal
from node.genesis.document import Delegation, Deposit, OpenProposal, Vote
from node.genesis.errors import GenesisInconsistent
from node.genesis.place import UNIT, Place
from node.genesis.schedules import BLOCK_SECONDS, height_at
from node.genesis.substitute import Deciding, Purse, Stake

REGULAR, EXPEDITED = "regular", "expedited"
"""Names of rules."""
Status = Literal["deposit", "voting"]
ENDS_AT = {"deposit": "deposit_end_time", "voting": "voting_end_time"}


@dataclass(frozen=True, slots=True)
class Found:
    """An open proposal as a file has it."""

    row: Place
    number: int
    status: Status
    title: str
    description: str
    acts: str
    """The kind of what it would do; empty for one that is words only."""
    proposer: bytes
    rules: str = REGULAR


@dataclass(frozen=True, slots=True)
class FoundVote:
    """A vote as a file has it."""

    row: Place
    proposal: int
    voter: bytes
    ballot: str


@dataclass(frozen=True, slots=True)
class FoundDeposit:
    """A deposit as a file has it."""

    row: Place
    proposal: int
    depositor: bytes
    coins: int


@dataclass(frozen=True, slots=True)
class People:
    """Who may stand in a proposal, and whose vote counts."""

    known: Set[bytes]
    with_power: Set[bytes]


def people(purses: Iterable[Purse], stakes: Sequence[Stake], delegations: Sequence[Delegation]) -> People:
    """Everybody with an account or a stake; power is at least a unit with a bonded validator."""
    bonded = {one.operator: Power(power=one.tokens, shares=one.shares) for one in stakes if one.bonded and one.tokens}
    known = {purse.address for purse in purses} | {row.owner for row in delegations} | {one.operator for one in stakes}
    worthy = {row.owner for row in delegations if worth(row.shares, bonded.get(row.validator, NO_POWER))}
    return People(known, worthy | set(bonded))


def open_rows(gov: Place, key: str, statuses: Mapping[str, Status | None]) -> Iterator[tuple[Place, Status]]:
    """The proposals that a file has under way, by what it writes for each status, None being a finished one's."""
    for row in gov.rows("proposals"):
        written = row.text(key)
        if written not in statuses:
            raise row.at(key).wrong(f"one of {', '.join(statuses)} is wanted here")
        status = statuses[written]
        if status is not None:
            yield row, status


def under_way(
    reading: Reading,
    who: People,
    found: Sequence[Found],
    votes: Sequence[FoundVote],
    deposits: Sequence[FoundDeposit],
    next_proposal: int,
    rules: Mapping[str, Mapping[str, str]],
) -> Deciding:
    """All of it for the document; raises GenesisMalformed or GenesisInconsistent with the place in the file for
    whatever is of no open proposal, stands twice, names nobody, or does not add up."""
    ballots = _ballots(reading, who, found, votes)
    _check_deposits(reading, who, found, deposits)
    return Deciding(
        proposals=tuple(_proposal(reading, who, one, ballots[one.number]) for one in found),
        deposits=tuple(
            Deposit(depositor=one.depositor, proposal=one.proposal, coins=one.coins) for one in deposits if one.coins
        ),
        next_proposal=next_proposal,
        rules=rules,
    )


def track(base: TrackRow, *stated: tuple[str, str, Place]) -> TrackRow:
    """A track's row with what a file states: rule, text, and the place it is from; raises GenesisMalformed for what no
    track can have."""
    for rule, text, place in stated:
        try:
            read_value(rule, text)
        except RuleUnreadable as wrong:
            raise place.wrong(f"as the {rule} of a track, {wrong.why}") from None
    return base.but(**{rule: text for rule, text, _ in stated})


def share(place: Place) -> str:
    """A decimal as a rule writes a share."""
    exact = Fraction(place.decimal(), UNIT)
    return f"{exact.numerator}/{exact.denominator}"


def blocks(seconds: int) -> str:
    """A span of time as a rule writes it, in whole blocks, one begun counted."""
    return str(-(-seconds // BLOCK_SECONDS))


def _ballots(
    reading: Reading, who: People, found: Sequence[Found], votes: Sequence[FoundVote]
) -> dict[int, dict[bytes, str]]:
    cast: dict[int, dict[bytes, str]] = {}
    for one in found:
        if one.number in cast:
            raise one.row.wrong(f"proposal {one.number} stands here twice")
        cast[one.number] = {}
    voting = {one.number: cast[one.number] for one in found if one.status == "voting"}
    for vote in votes:
        ballots = voting.get(vote.proposal)
        if ballots is None:
            raise GenesisInconsistent(vote.row.path, f"a vote on proposal {vote.proposal}, on which no vote is open")
        if vote.voter in ballots:
            raise GenesisInconsistent(vote.row.path, f"this voter has voted on proposal {vote.proposal} already")
        _require_known(who, vote.row, vote.voter, "voter")
        if vote.voter not in who.with_power:
            reading.count("votes on open proposals by accounts without power, which count nothing")
        ballots[vote.voter] = vote.ballot
    return cast


def _check_deposits(reading: Reading, who: People, found: Sequence[Found], deposits: Sequence[FoundDeposit]) -> None:
    sums = dict.fromkeys((one.number for one in found), 0)
    seen = set()
    for deposit in deposits:
        if deposit.proposal not in sums:
            raise GenesisInconsistent(deposit.row.path, f"a deposit for proposal {deposit.proposal}, which is not open")
        if (deposit.proposal, deposit.depositor) in seen:
            raise GenesisInconsistent(deposit.row.path, f"this depositor stands twice at proposal {deposit.proposal}")
        _require_known(who, deposit.row, deposit.depositor, "depositor")
        seen.add((deposit.proposal, deposit.depositor))
        sums[deposit.proposal] += deposit.coins
    for one in found:
        total = reading.coins(one.row, "total_deposit")
        must_equal(f"{one.row.path}.total_deposit", total, "its depositors' coins", sums[one.number])


def _proposal(reading: Reading, who: People, one: Found, ballots: dict[bytes, str]) -> OpenProposal:
    _require_known(who, one.row, one.proposer, "proposer")
    end = one.row.at(ENDS_AT[one.status])
    if end.seconds() <= reading.genesis:
        raise GenesisInconsistent(end.path, "it stands open, and its time was over before the genesis")
    description = one.description
    if one.acts:
        reading.count("open proposals that would act, brought over as words alone")
        description = f"({one.acts}: brought over as words alone, it changes nothing here.)\n\n{description}"
    if len(one.title) > LONGEST_TITLE or len(description) > LONGEST_DESCRIPTION:
        reading.count("open proposals with more words than fit, cut")
    return OpenProposal(
        number=one.number,
        title=one.title[:LONGEST_TITLE] or f"Proposal {one.number}",
        description=description[:LONGEST_DESCRIPTION],
        proposer=one.proposer,
        status=one.status,
        ends=height_at(end.seconds(), reading.genesis),
        rules=one.rules,
        votes=tuple(Vote(voter=voter, ballot=ballots[voter]) for voter in sorted(ballots)),
    )


def _require_known(who: People, row: Place, address: bytes, what: str) -> None:
    if address not in who.known:
        raise GenesisInconsistent(row.path, f"no account has the address of this {what}")
