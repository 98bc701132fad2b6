"""What must hold in every genesis document, each law one small function; the first that does not hold is named.

Sorted and without repeats, so that equal content has equal bytes; every reference known; the shares of a validator are
those of its delegators; deposits are covered by their account; somebody has power.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from governance.tracks import RULE
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
)
"""Each list and the key that it is sorted by, without repeats."""


def check_laws(genesis: Genesis) -> None:
    """Raise GenesisInconsistent for the first law that the document breaks."""
    for law in LAWS:
        law(genesis)


def everything_is_sorted(genesis: Genesis) -> None:
    for name, key in SORTED_BY:
        keys = [key(row) for row in getattr(genesis, name)]
        for position in range(1, len(keys)):
            if keys[position - 1] >= keys[position]:
                raise GenesisInconsistent(f"{name}[{position}]", "the list is not sorted, or repeats an entry")


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


def somebody_has_power(genesis: Genesis) -> None:
    power = sum(validator.tokens for validator in genesis.validators if validator.bonded)
    require(power > 0, "validators", "no bonded validator has tokens, so nobody could vote")


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
    somebody_has_power,
    tracks_have_known_rules,
)


def require(holds: bool, place: str, contradiction: str) -> None:
    if not holds:
        raise GenesisInconsistent(place, contradiction)


def require_distinct(keys: Iterable[bytes], place: str, what: str) -> None:
    counted = Counter(keys)
    require(all(times == 1 for times in counted.values()), place, f"two of them have the same {what}")
