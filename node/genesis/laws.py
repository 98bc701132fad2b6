"""What must hold in every genesis document, each law one small function; the first that does not hold is named.

Sorted and without repeats, so that equal content has equal bytes; every reference known; the shares of a validator are
those of its delegators; deposits are covered by their account and belong to open proposals; somebody has power.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from governance.ruletext import RuleUnreadable, read_value
from governance.tracks import NO, RULE, VOTED
from node.genesis.errors import GenesisInconsistent

if TYPE_CHECKING:
    from node.genesis.document import Genesis

SORTED_BY: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("accounts", lambda row: row.address),
    ("vesting", lambda row: row.owner),
    ("validators", lambda row: row.operator),
    ("delegations", lambda row: (row.owner, row.validator)),
    ("unbonding", lambda row: (row.owner, row.validator, row.completion)),
    ("deposits", lambda row: (row.proposal, row.depositor)),
    ("proposals", lambda row: row.number),
)
"""Each list and the key that it is sorted by, without repeats."""


def check_laws(genesis: Genesis) -> None:
    """Raise GenesisInconsistent for the first law that the document breaks."""
    for law in LAWS:
        law(genesis)


def everything_is_sorted(genesis: Genesis) -> None:
    for name, key in SORTED_BY:
        require_sorted(name, [key(row) for row in getattr(genesis, name)])
    for position, proposal in enumerate(genesis.proposals):
        require_sorted(f"proposals[{position}].votes", [vote.voter for vote in proposal.votes])


def every_reference_is_known(genesis: Genesis) -> None:
    """Validators, delegations and vesting schedules name accounts and validators that there are, and mean something."""
    owners = {account.address for account in genesis.accounts}
    operators = {validator.operator for validator in genesis.validators}
    for position, validator in enumerate(genesis.validators):
        require(validator.operator in owners, f"validators[{position}].operator", "no account has that address")
    for position, delegation in enumerate(genesis.delegations):
        place = f"delegations[{position}]"
        require(delegation.owner in owners, f"{place}.owner", "no account has that address")
        require(delegation.validator in operators, f"{place}.validator", "there is no such validator")
        require(delegation.shares > 0, f"{place}.shares", "a delegation without shares is none")
    for position, vesting in enumerate(genesis.vesting):
        require(vesting.owner in owners, f"vesting[{position}].owner", "no account has that address")
        require(
            0 < vesting.locked <= vesting.original and vesting.start < vesting.end,
            f"vesting[{position}]",
            "a schedule locks something, no more than its original coins, and ends after its start",
        )
    for position, deposit in enumerate(genesis.deposits):
        require(deposit.depositor in owners, f"deposits[{position}].depositor", "no account has that address")
    for position, proposal in enumerate(genesis.proposals):
        place = f"proposals[{position}]"
        require(proposal.proposer in owners, f"{place}.proposer", "no account has that address")
        for turn, vote in enumerate(proposal.votes):
            require(vote.voter in owners, f"{place}.votes[{turn}].voter", "no account has that address")


def the_guardian_is_known(genesis: Genesis) -> None:
    """The guardian, if there is one, has an account."""
    owners = (account.address for account in genesis.accounts)
    require(genesis.guardian is None or genesis.guardian in owners, "guardian", "no account has that address")


def shares_are_those_of_the_delegators(genesis: Genesis) -> None:
    """A validator's shares are the sum of its delegators'."""
    held: Counter[bytes] = Counter()
    for delegation in genesis.delegations:
        held[delegation.validator] += delegation.shares
    for position, validator in enumerate(genesis.validators):
        found = held[validator.operator]
        require(
            found == validator.shares,
            f"validators[{position}].shares",
            f"its delegators hold {found} units of 10^-18, the validator says {validator.shares}",
        )


def keys_are_distinct(genesis: Genesis) -> None:
    require_distinct((account.key for account in genesis.accounts if account.key), "accounts", "keys")
    require_distinct((validator.key for validator in genesis.validators), "validators", "consensus keys")
    for position, validator in enumerate(genesis.validators):
        require(len(validator.key) == 32, f"validators[{position}].key", "a validator needs a consensus key")


def deposits_are_covered(genesis: Genesis) -> None:
    promised = sum(deposit.coins for deposit in genesis.deposits)
    balances = {account.address: account.balance for account in genesis.accounts}
    held = balances.get(genesis.deposit_account, 0) if genesis.deposit_account else 0
    require(promised <= held, "deposits", f"{promised} coins are deposited, their account holds {held}")


def deposits_are_for_open_proposals(genesis: Genesis) -> None:
    open_ones = {proposal.number for proposal in genesis.proposals}
    for position, deposit in enumerate(genesis.deposits):
        place = f"deposits[{position}]"
        require(deposit.proposal in open_ones, f"{place}.proposal", f"no proposal {deposit.proposal} is open")
        require(deposit.coins > 0, f"{place}.coins", "a deposit of nothing is none")


def open_proposals_are_under_way(genesis: Genesis) -> None:
    """Each has a number that was given out, time left, rules, and neither votes nor a whole deposit before its vote."""
    for position, proposal in enumerate(genesis.proposals):
        place = f"proposals[{position}]"
        number = proposal.number
        require(0 < number < genesis.next_proposal, f"{place}.number", "it lies between 0 and next_proposal")
        require(proposal.ends > 0, f"{place}.ends", "it would have ended before the first block")
        require(proposal.rules in genesis.rules, f"{place}.rules", "the document has no rules of that name")
        if proposal.status == "deposit":
            asked = genesis.rules[proposal.rules].get("deposit")
            found = sum(deposit.coins for deposit in genesis.deposits if deposit.proposal == number)
            require(not proposal.votes, f"{place}.votes", "nobody votes before the deposit is there")
            why = f"{found} coins are deposited and {asked} asked for: its vote would have begun"
            require(asked is None or found < int(asked), f"{place}.status", why)


def somebody_has_power(genesis: Genesis) -> None:
    power = sum(validator.tokens for validator in genesis.validators if validator.bonded)
    require(power > 0, "validators", "no bonded validator has tokens, so nobody could vote")


def rules_are_values(genesis: Genesis) -> None:
    """Rules that proposals began under: no vote on a parameter moves them, so none of them names one. What they leave
    out is as it stands here at genesis."""
    for name, rules in genesis.rules.items():
        for rule, text in rules.items():
            place = f"rules.{name}.{rule}"
            require(rule in RULE, place, "a track has no such rule")
            try:
                read_value(rule, text)
            except RuleUnreadable as wrong:
                raise GenesisInconsistent(place, wrong.why) from None
        urgent = rules.get("urgent", NO)
        require(urgent == NO, f"rules.{name}.urgent", "an emergency is decided where it is, none comes from elsewhere")
        then = rules.get("turns_into", name)
        require(then in genesis.rules, f"rules.{name}.turns_into", f"the document has no rules {then}")
        alike = (one.get("validator_delegations", VOTED) for one in (rules, genesis.rules[then]))
        require(len(set(alike)) == 1, f"rules.{name}.turns_into", f"{then} counts delegations in another way")


def tracks_have_known_rules(genesis: Genesis) -> None:
    for name, rules in genesis.tracks.items():
        for rule in rules:
            require(rule in RULE, f"tracks.{name}.{rule}", "a track has no such rule")
    require(bool(genesis.tracks) == bool(genesis.routes), "routes", "tracks and routes are given together")


LAWS: tuple[Callable[[Genesis], None], ...] = (
    everything_is_sorted,
    every_reference_is_known,
    the_guardian_is_known,
    shares_are_those_of_the_delegators,
    keys_are_distinct,
    deposits_are_covered,
    rules_are_values,
    deposits_are_for_open_proposals,
    open_proposals_are_under_way,
    somebody_has_power,
    tracks_have_known_rules,
)


def require(holds: bool, place: str, contradiction: str) -> None:
    if not holds:
        raise GenesisInconsistent(place, contradiction)


def require_sorted(place: str, keys: Sequence[Any]) -> None:
    for position in range(1, len(keys)):
        if keys[position - 1] >= keys[position]:
            raise GenesisInconsistent(f"{place}[{position}]", "the list is not sorted, or repeats an entry")


def require_distinct(keys: Iterable[bytes], place: str, what: str) -> None:
    counted = Counter(keys)
    require(all(times == 1 for times in counted.values()), place, f"two of them have the same {what}")
