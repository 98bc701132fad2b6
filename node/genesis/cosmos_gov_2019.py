"""The gov module of the 2019 layout.

x/gov of these releases (x/gov/endblocker.go) burns the deposit of every proposal that does not pass or never gathers
enough of it, and leaves what an operator has delegated to other validators with the votes of those (x/gov/tally.go;
later releases count it with his own). All other rules the file states. It names no proposers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from governance.presets import cosmos
from governance.tracks import LEFT, TrackRow, said
from node.genesis.cosmos_common import Reading
from node.genesis.cosmos_gov import (
    REGULAR,
    Found,
    FoundDeposit,
    FoundVote,
    People,
    Status,
    blocks,
    open_rows,
    share,
    track,
    under_way,
)
from node.genesis.errors import GenesisInconsistent
from node.genesis.place import Place
from node.genesis.substitute import Deciding

NANOSECONDS = 10**9
STATUSES: Mapping[str, Status | None] = {
    "DepositPeriod": "deposit",
    "VotingPeriod": "voting",
    **dict.fromkeys(("Passed", "Rejected", "Failed")),
}
OPTIONS = {"Yes": "yes", "No": "no", "Abstain": "abstain", "NoWithVeto": "veto"}
TEXT = "gov/TextProposal"
BURNS = "vetoed rejected unfunded"
"""Ends that burn a deposit."""


def read(reading: Reading, gov: Place, who: People, deposit_account: bytes) -> Deciding:
    """What the chain is deciding; raises GenesisMalformed or GenesisInconsistent."""
    return under_way(
        reading,
        who,
        found_open(gov, deposit_account),
        tuple(found_votes(reading, gov)),
        tuple(found_deposits(reading, gov)),
        next_proposal=gov.integer("starting_proposal_id"),
        rules={REGULAR: said(regular(reading, gov))},
    )


def regular(reading: Reading, gov: Place) -> TrackRow:
    """The rules that the file states."""
    ask, ends, count = gov.at("deposit_params"), gov.at("voting_params"), gov.at("tally_params")

    def span(place: Place) -> str:
        return blocks(-(-place.integer() // NANOSECONDS))

    return track(
        cosmos.REGULAR.but(burns=BURNS, validator_delegations=LEFT),
        ("deposit", str(reading.coins(ask, "min_deposit")), ask.at("min_deposit")),
        ("deposit_period", span(ask.at("max_deposit_period")), ask.at("max_deposit_period")),
        ("period", span(ends.at("voting_period")), ends.at("voting_period")),
        ("quorum", f">= {share(count.at('quorum'))}", count.at("quorum")),
        ("threshold", f"> {share(count.at('threshold'))}", count.at("threshold")),
        ("veto", f"> {share(count.at('veto'))}", count.at("veto")),
    )


def found_open(gov: Place, deposit_account: bytes) -> tuple[Found, ...]:
    """Proposals that are not finished."""
    return tuple(
        Found(
            row=row,
            number=row.integer("proposal_id"),
            status=status,
            title=row.text("proposal_content", "value", "title"),
            description=row.text("proposal_content", "value", "description"),
            acts="" if row.text("proposal_content", "type") == TEXT else row.text("proposal_content", "type"),
            proposer=deposit_account,
        )
        for row, status in open_rows(gov, "proposal_status", STATUSES)
    )


def found_votes(reading: Reading, gov: Place) -> Iterator[FoundVote]:
    """Every vote in the file."""
    for row in gov.rows("votes"):
        option = row.text("vote", "option")
        if option not in OPTIONS:
            raise row.at("vote", "option").wrong(f"one of {', '.join(OPTIONS)} is wanted here")
        yield FoundVote(row, of_proposal(row, "vote"), reading.account(row, "vote", "voter"), OPTIONS[option])


def found_deposits(reading: Reading, gov: Place) -> Iterator[FoundDeposit]:
    """Whose coins the deposit account holds."""
    for row in gov.rows("deposits"):
        depositor, coins = reading.account(row, "deposit", "depositor"), reading.coins(row, "deposit", "amount")
        yield FoundDeposit(row, of_proposal(row, "deposit"), depositor, coins)


def of_proposal(row: Place, part: str) -> int:
    """The proposal that a vote or deposit belongs to, which the file says twice."""
    number = row.integer(part, "proposal_id")
    if row.integer("proposal_id") != number:
        raise GenesisInconsistent(f"{row.path}.proposal_id", f"the {part} itself is of proposal {number}")
    return number
