"""The gov module of SDK 0.47 and later (cosmos.gov.v1): weighted votes, messages, and from 0.50 on expedited proposals.

An expedited vote that turns into a regular one is open for a whole regular period counted from the genesis.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from governance.ballots import ORDER, Share
from governance.presets import cosmos
from governance.tracks import TrackRow, said
from node.ballots import said_ballot
from node.genesis.cosmos_common import Reading
from node.genesis.cosmos_gov import (
    EXPEDITED,
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
from node.genesis.place import UNIT, Place
from node.genesis.substitute import Deciding

STATUSES: Mapping[str, Status | None] = {
    "PROPOSAL_STATUS_DEPOSIT_PERIOD": "deposit",
    "PROPOSAL_STATUS_VOTING_PERIOD": "voting",
    **dict.fromkeys(f"PROPOSAL_STATUS_{end}" for end in ("PASSED", "REJECTED", "FAILED")),
}
OPTIONS = {
    "VOTE_OPTION_YES": "yes",
    "VOTE_OPTION_NO": "no",
    "VOTE_OPTION_ABSTAIN": "abstain",
    "VOTE_OPTION_NO_WITH_VETO": "veto",
}
LEGACY = "/cosmos.gov.v1.MsgExecLegacyContent"
TEXT = "/cosmos.gov.v1beta1.TextProposal"
BURNS = {
    "burn_vote_veto": "vetoed",
    "burn_vote_quorum": "no_quorum too_few_voters",
    "burn_proposal_deposit_prevote": "unfunded",
}
"""Flags, and the ends that each has burn a deposit; where nobody votes at all, that is no quorum there either."""
BURNS_NOTHING = " "
"""As a rule writes it: an empty text would stand for the usual rule."""
_DURATION = re.compile(r"([0-9]{1,12})(?:\.[0-9]{1,9})?s")


def read(reading: Reading, gov: Place, who: People, deposit_account: bytes) -> Deciding:
    """What the chain is deciding; raises GenesisMalformed or GenesisInconsistent."""
    return under_way(
        reading,
        who,
        found_open(reading, gov, deposit_account),
        tuple(found_votes(reading, gov)),
        tuple(found_deposits(reading, gov)),
        next_proposal=gov.integer("starting_proposal_id"),
        rules={name: said(row) for name, row in rules(reading, gov.at("params")).items()},
    )


def rules(reading: Reading, params: Place) -> dict[str, TrackRow]:
    """The rules that the file states; expedited ones only where its chain has them (SDK 0.50)."""
    shared = [("deposit_period", span(params.at("max_deposit_period")), params.at("max_deposit_period"))]
    for key, rule, test in (
        ("quorum", "quorum", ">= "),
        ("veto_threshold", "veto", "> "),
        ("min_initial_deposit_ratio", "initial_share", ""),
        ("proposal_cancel_ratio", "cancel_burn", ""),
    ):
        if params.has(key) or test:
            shared.append((rule, f"{test}{share(params.at(key))}", params.at(key)))
    burned = [end for flag, end in BURNS.items() if params.has(flag) and params.flag(flag)]
    base = track(cosmos.REGULAR.but(burns=" ".join(burned) or BURNS_NOTHING), *shared)

    def vote(row: TrackRow, prefix: str) -> TrackRow:
        """A row with what the file states of ordinary votes, or under a prefix of expedited ones."""
        deposit, period, threshold = (
            params.at(f"{prefix}{key}") for key in ("min_deposit", "voting_period", "threshold")
        )
        return track(
            row,
            ("deposit", str(reading.coins(deposit)), deposit),
            ("period", span(period), period),
            ("threshold", f"> {share(threshold)}", threshold),
        )

    found = {REGULAR: vote(base, "")}
    if params.has("expedited_voting_period"):
        found[EXPEDITED] = vote(base.but(turns_into=REGULAR), "expedited_")
    return found


def span(place: Place) -> str:
    """A duration like ``172800s`` in blocks."""
    matched = _DURATION.fullmatch(place.text())
    if matched is None:
        raise place.wrong("a duration like 172800s is wanted here")
    return blocks(int(matched.group(1)))


def found_open(reading: Reading, gov: Place, deposit_account: bytes) -> tuple[Found, ...]:
    """Proposals that are not finished."""
    return tuple(
        Found(
            row=row,
            number=row.integer("id"),
            status=status,
            title=row.text("title") if row.has("title") else "",
            description=row.text("summary") if row.has("summary") else "",
            acts=acts_of(row),
            proposer=proposer_of(reading, row) or deposit_account,
            rules=EXPEDITED if row.has("expedited") and row.flag("expedited") else REGULAR,
        )
        for row, status in open_rows(gov, "status", STATUSES)
    )


def proposer_of(reading: Reading, proposal: Place) -> bytes:
    """Nobody's address for a proposal from before SDK 0.47."""
    named = proposal.has("proposer") and proposal.text("proposer")
    return reading.account(proposal, "proposer") if named else b""


def acts_of(proposal: Place) -> str:
    """The kinds of a proposal's messages that are not words only."""
    kinds = (
        message.text("content", "@type") if message.text("@type") == LEGACY else message.text("@type")
        for message in proposal.rows("messages")
    )
    return ", ".join(kind for kind in kinds if kind != TEXT)


def found_votes(reading: Reading, gov: Place) -> Iterator[FoundVote]:
    """Every vote in the file."""
    for row in gov.rows("votes"):
        yield FoundVote(row, row.integer("proposal_id"), reading.account(row, "voter"), ballot(row))


def ballot(vote: Place) -> str:
    """What a vote says, weights and all."""
    weights: dict[str, int] = {}
    for part in vote.rows("options"):
        option = OPTIONS.get(part.text("option"))
        if option is None or option in weights:
            raise part.at("option").wrong(f"one of {', '.join(OPTIONS)} is wanted here, each once")
        weights[option] = part.decimal("weight")
    if 0 in weights.values() or sum(weights.values()) != UNIT:
        raise vote.at("options").wrong("weights above 0 that add up to 1 are wanted here")
    if len(weights) == 1:
        return next(iter(weights))
    return said_ballot("", tuple(Share(option=name, weight=weights[name]) for name in ORDER if name in weights))


def found_deposits(reading: Reading, gov: Place) -> Iterator[FoundDeposit]:
    """Whose coins the gov account holds."""
    for row in gov.rows("deposits"):
        depositor, coins = reading.account(row, "depositor"), reading.coins(row, "amount")
        yield FoundDeposit(row, row.integer("proposal_id"), depositor, coins)
