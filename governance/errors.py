"""Everything governance refuses, as one table of codes.

    HostRefused (runtime.errors)
    `-- GovernanceRefused   a call or a due act is refused; `code` is a key of REFUSALS and stands in the receipt
    NoSuchMove (governance.lifecycle)   a defect: a move that the table of moves does not have

The text beside a code says what happened and what to do; `{names}` are filled in by `refused`. Codes that come from
the rooms below (insufficient_funds, a bundle's first problem, window_closed) pass through unchanged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from types import MappingProxyType

from runtime.address import address_text
from runtime.errors import HostRefused

REFUSALS: Mapping[str, str] = MappingProxyType(
    {
        # who asks, and how often
        "too_many_bundles": "at most {most} bundles are examined in a block: propose it in the next",
        "too_many_calls": "at most {most} governance calls of one sender fit in a block: send it in the next",
        "too_many_open": "{count} proposals are open and {most} may be: wait until one has ended",
        "no_power": "{voter} had no voting power at height {height}, when this electorate was fixed",
        "below_power_floor": "the {track} track takes proposals from {floor} of all power on: ask a larger validator",
        "one_emergency_each": "proposal {open} of the same proposer is open on the emergency track: end it first",
        "too_many_uploads": "{most} uploads of others wait to be proposed: try when one has ended, or ask a validator",
        "publisher_unknown": "publishing takes a validator's power or a balance of {least} units, the deposit to come",
        # the proposal itself
        "no_title": "a proposal needs a title of 1 to {most} characters",
        "too_long": "{what} may have at most {most} characters",
        "too_many_items": "{what} may list at most {most} items",
        "bad_window": "the maintenance window must end after it begins, and begin after height {height}",
        "unknown_track": "there is no track {track}: take one of {known}",
        "wrong_track": "a proposal of this kind goes on one of {known}, not on {track}",
        "no_common_track": "no track takes every act of this batch: propose them one by one",
        "predecessor_over": "proposal {proposal}, which should take effect before, is {status}",
        "predecessor_waits": "proposal {proposal} has to take effect before, and is in {status}",
        "upgrades_queue": "upgrades take effect in order of approval: leave the predecessor out",
        "failed_lately": "this content has failed: it may be proposed again from height {again} on",
        "breaking_track_needed": "this upgrade breaks users or has no way back: propose it on the breaking track",
        "deposit_too_small": "at submission the deposit is at least {least} units",
        "no_deposit_here": "the {track} track takes no deposit",
        "unknown_target": "the module registry has no {what} {name}: `synod query host.registry` lists what it has",
        "nothing_changes": "the proposal changes nothing: {what}",
        "deposit_unaffordable": "a vote may raise a deposit to {most} units at most: proposals stay affordable",
        "floor_out_of_reach": "a vote may ask for 1/{voters} of all power at most: some validator always has that",
        "rules_conflict": "the rules would not fit together: {why}",
        # upgrades
        "wrong_version": "the bundle is version {bundle}, the proposal says {proposal}",
        "wrong_effect": "the effect of this bundle on the running runtime is {effect}: propose that digest",
        "activation_too_soon": "the activation delay is {delay} blocks, at least {least} are needed",
        "already_running": "this bundle runs already",
        "wrong_plan": "the plan says {said} for {what}, the chain and the bundle say {found}",
        "unknown_migration": "the bundle declares no migration {name}",
        "pause_not_declared": "this bundle requires a pause: say so in the proposal's plan",
        "no_open_window": "no upgrade can be rolled back now: propose a mended bundle instead",
        "window_too_short": "it may be decided as late as height {latest}, and rollback ends with height {closes}",
        "not_that_upgrade": "the upgrade that can be rolled back is that of proposal {open}",
        "not_scheduled": "proposal {proposal} has no upgrade waiting for its activation",
        "stopped_already": "{what} is stopped since height {since}, and no shorter: only a longer stop adds anything",
        "ends_too_soon": "decided at height {earliest} at the soonest, it must last to a later one than {until}",
        "not_stopped": "{what} is not stopped: `synod status` shows what is",
        # the guardian
        "one_guardian": "there is one guardian or none",
        "not_the_guardian": "only the guardian may: `synod query governance.guardian` shows who it is",
        "not_the_guardians": "proposal {proposal} is of a kind that the guardian cannot cancel: vote against it",
        "already_ended": "proposal {proposal} is in {status}: nothing is left to cancel",
        "guardian_cancelled_enough": "{most} proposals in {span} blocks are cancelled: the next from height {again} on",
        "guardian_rests": "the guardian's term is over, it may stop something again from height {until} on",
        "beyond_the_term": "what the guardian stops lasts to a height in {first} .. {last}, not to {until}",
        # calls on a proposal
        "unknown_proposal": "there is no proposal {proposal}",
        "not_in_deposit": "proposal {proposal} is in {status}: deposits are taken by drafts only",
        "no_coins": "a deposit is at least one unit",
        "too_many_depositors": "a proposal has at most {most} depositors: add to a deposit that is there",
        "voting_not_open": "voting on proposal {proposal} has not begun",
        "voting_closed": "voting on proposal {proposal} is over",
        "unknown_option": "a vote says yes, no, abstain or veto, not {option}",
        "bad_split": "a split gives 2 to 4 options, in the order yes, no, abstain, veto, weights of {whole} together",
        "other_bundle": "proposal {proposal} names bundle {bundle}: look again at what you vote on",
        "other_effect": "proposal {proposal} has the effect {effect}: look again at what you vote on",
        "same_vote": "this voter has already voted so: {vote}",
        "nearer_vote": "this voter has voted himself, or by a nearer proxy ({steps} steps away): that vote stands",
        "not_the_proxy": "{voter} has not named the sender its proxy, nor has a proxy of its own done so",
        "one_proxy": "an account names one proxy, or none",
        "no_proxy": "the sender has no proxy to take the right from",
        "proxy_cycle": "this would lead back to the sender: name somebody who does not vote through you",
        "proxy_chain_too_long": "a chain of proxies has at most {most} steps: name the one at its end",
        "vote_for_another_chain": "the vote was signed for {chain}, this is {here}",
        "vote_expired": "the vote could be relayed to height {expiry}: ask the voter for another",
        "vote_used": "this is the voter's vote number {number} here, and {own} are counted: a signed vote counts once",
        "bad_vote_signature": "the signature is not that of {voter}'s key over this vote",
        "not_the_proposer": "only its proposer withdraws proposal {proposal}",
        "too_late_to_cancel": "proposal {proposal} is in {status}: only a vote can stop it now",
        # gates between a vote and its timelock
        "not_in_review": "proposal {proposal} is in {status}: reviews are taken between the vote and the timelock",
        "not_a_reviewer": "only reviewers review: `synod query governance.reviewers` shows who they are",
        "not_in_implementation": "proposal {proposal} is in {status}: voters approve once more after its review",
        "no_yes_vote": "only those who voted yes on proposal {proposal} approve it once more",
        "approved_already": "this approval has been given",
        # attestations
        "no_rehearsal_open": "no rehearsal of plan {plan} is open: GET /upgrade/plan shows the pending one",
        "other_rehearsal_height": "rehearsals are of height {first} and {second} once they are past, not of {height}",
        "other_bundle_rehearsed": "the pending plan is of bundle {bundle}: rehearse that one",
        "result_too_large": "a result names at most {tables} tables and a code of at most {characters} characters",
        "already_attested": "this validator has attested its rehearsal of height {height}, or of a later one",
        # a bundle's bytes
        "chunk_total": "chunk {index} of {total} cannot be: a bundle has 1 to {most} chunks",
        "chunk_size": "a chunk has 1 to {most} bytes",
        "other_total": "this upload began as one of {total} chunks: go on so, or begin another bundle",
        "already_published": "this bundle is on chain: propose it by its code hash",
        "bundle_missing": "publish the bundle's chunks first: an upload can be proposed for {lifetime} blocks",
        "bundle_incomplete": "{have} of the bundle's {total} chunks are there: publish the missing ones first",
        "wrong_hash": "the published chunks hash to {found}: publish those of the bundle that is proposed",
    }
)


def meaning(code: str) -> str:
    """What a refusal says to people who have only its code, as in a receipt: its facts left open; empty for a code that
    is not in the table."""
    return REFUSALS.get(code, "").format_map(defaultdict(lambda: "..."))


class GovernanceRefused(HostRefused):
    """A refusal by governance's own rules."""


def refused(code: str, **facts: object) -> GovernanceRefused:
    """The refusal of that code with its text filled in, where bytes are an address; a code that is not in the table is
    a KeyError."""
    said = {name: address_text(fact) if isinstance(fact, bytes) else fact for name, fact in facts.items()}
    return GovernanceRefused(code, REFUSALS[code].format(**said))


def need(holds: bool, code: str, **facts: object) -> None:
    """Raise the refusal unless the condition holds."""
    if not holds:
        raise refused(code, **facts)
