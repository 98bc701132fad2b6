"""Counts as readers see them: as they are, under suppositions, and traced to whose power stands behind them.

A supposition is `NAME=VALUE`: an address and its ballot, or a rule that a count depends on. Of a vote that is not open
the chain keeps no electorate, so only its count is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from governance.coalition import smallest_coalition
from governance.progress import proposal_at
from governance.proposals import Proposal, Standing
from governance.reading import outlook
from governance.ruletext import RuleUnreadable
from governance.shares import Part, Share, inherited, inheriting, shares
from governance.whatif import Supposed, SupposedVote, suppose
from node.ballots import BallotUnreadable, read_ballot, said_ballot
from node.electors import height_of
from node.errors import BadRequest, NotFound
from node.http import answers
from node.reading import Reading
from runtime.address import PREFIX, address_text, parse_address
from runtime.errors import HostRefused

MOST_SUMMED = 200_000
"""Delegators that are looked at to tell what validators have of them."""


def tally_of(reading: Reading, proposal: int, supposing: Sequence[str], coalition: bool) -> answers.TallyAnswer:
    """The count of a proposal; raises as `node.http.face.NodeFace.tally`."""
    what, standing = _proposal(reading, proposal)
    supposed = _supposed(reading, proposal, supposing) if supposing or coalition else None
    return answers.TallyAnswer(
        proposal=proposal,
        height=reading.height,
        status=standing.status,
        closes=standing.closes,
        now=_count(what, standing),
        then=_count(supposed.what, supposed.standing) if supposed is not None and supposing else None,
        coalition=_coalition(supposed) if supposed is not None and coalition else None,
    )


def shares_page(
    reading: Reading, proposal: int, supposing: Sequence[str], kind: str, after: str, limit: int
) -> answers.SharesAnswer:
    """A page of the trace of a count; raises as `tally_of`."""
    supposed, behind = _supposed(reading, proposal, supposing), parse_address(after) if after else b""
    snapshot = supposed.standing.snapshot
    if kind == "inheriting":
        found = inheriting(supposed.rows, proposal, snapshot, behind, limit)
        page, last = found.shares, found.last
    else:
        page = list(islice(shares(supposed.rows, proposal, snapshot, behind), limit + 1))
        last = page[limit - 1].address if len(page) > limit else None
        page = page[:limit]
    validators = {share.address for share in page if share.staked}
    sums = inherited(reading.view, snapshot, validators, MOST_SUMMED) if validators else {}
    return answers.SharesAnswer(
        height=reading.height,
        shares=[_share(share, sums) for share in page],
        next=None if last is None else address_text(last),
    )


def _proposal(reading: Reading, proposal: int) -> tuple[Proposal, Standing]:
    try:
        return proposal_at(reading.view, proposal)
    except HostRefused as unknown:
        raise NotFound("no_such_proposal", str(unknown)) from None


def _supposed(reading: Reading, proposal: int, supposing: Sequence[str]) -> Supposed:
    what, standing = _proposal(reading, proposal)
    height_of(reading, proposal)  # refused where no electorate is kept
    votes, rules = [], {}
    try:
        for one in supposing:
            name, _, value = one.partition("=")
            if name.startswith(f"{PREFIX}1"):
                votes.append(SupposedVote(parse_address(name), *read_ballot(value)))
            else:
                rules[name] = value
        return suppose(reading.view, proposal, what, standing, votes, rules)
    except (BallotUnreadable, RuleUnreadable) as wrong:
        raise BadRequest("bad_supposition", str(wrong)) from None


def _count(what: Proposal, standing: Standing) -> answers.Count:
    look, tally = outlook(what, standing), standing.tally
    return answers.Count(
        yes=str(tally.yes),
        no=str(tally.no),
        abstain=str(tally.abstain),
        veto=str(tally.veto),
        voters=tally.voters,
        least_voters=look.least_voters,
        power=str(standing.electors.power),
        turnout=str(look.turnout),
        quorum=str(look.quorum),
        yes_share=str(look.yes),
        threshold=str(look.threshold),
        veto_share=str(look.veto),
        veto_limit=str(look.veto_limit),
        verdict=look.verdict.value,
        reason=look.reason,
    )


def _coalition(supposed: Supposed) -> answers.CoalitionAnswer | None:
    found = smallest_coalition(supposed)
    return None if found is None else answers.CoalitionAnswer(
        members=[
            answers.CoalitionMember(address=address_text(one.address), power=str(one.power), vote=_said(one))
            for one in found.members
        ],
        vote=found.option,
        verdict=found.outcome.value,
        reason=found.reason,
        exact=found.exact,
    )


def _share(share: Share, sums: dict[bytes, int] | None) -> answers.ShareAnswer:
    vote = share.vote
    return answers.ShareAnswer(
        address=address_text(share.address),
        staked=str(share.staked),
        inherited=None if sums is None else str(sums.get(share.address, 0)),
        taken=str(share.taken),
        delegated=[_part(part) for part in share.delegated],
        left=[_part(part) for part in share.left],
        vote=_said(share),
        cast_by=address_text(vote.proxy) if vote is not None and vote.proxy else None,
        power=str(share.power),
        uncounted=str(0 if vote is None else vote.uncounted),
        parts=[str(part) for part in share.parts],
    )


def _part(part: Part) -> answers.PartAnswer:
    return answers.PartAnswer(
        validator=address_text(part.validator),
        power=str(part.power),
        vote="" if part.says is None else said_ballot(part.says.option, part.says.split),
    )


def _said(share: Share) -> str:
    return "" if share.vote is None else said_ballot(share.vote.option, share.vote.split)
