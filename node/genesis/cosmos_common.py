"""What both Cosmos layouts share: addresses, coins of the bond denomination, stakes, unbonding, and their checks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from node.genesis.document import Delegation, Unbonding
from node.genesis.errors import GenesisInconsistent
from node.genesis.place import UNIT, Place
from node.genesis.schedules import height_at
from node.genesis.substitute import Stake
from runtime import bech32

ADDRESS_BYTES = 20
_LONG = b"synod/long address/"


@dataclass(slots=True)
class Reading:
    """One pass over a file: what it fixes for every value, and what had to be left out, by reason."""

    denomination: str
    prefix: str
    genesis: int
    """The genesis time, in seconds since 1970."""
    counted: dict[str, int] = field(default_factory=dict)

    def count(self, reason: str) -> None:
        """Note one more thing that was left out or changed, for the report."""
        self.counted[reason] = self.counted.get(reason, 0) + 1

    def notes(self) -> tuple[str, ...]:
        """The sentences of the report."""
        return tuple(f"{reason}: {times}" for reason, times in sorted(self.counted.items()))

    def account(self, place: Place, *keys: str) -> bytes:
        """The 20 bytes of an account's address."""
        return self.shortened(place.address(*keys, prefix=self.prefix))

    def operator(self, place: Place, *keys: str) -> bytes:
        """The 20 bytes of a validator's operator: those of its account."""
        return self.shortened(place.address(*keys, prefix=f"{self.prefix}valoper"))

    def shortened(self, raw: bytes) -> bytes:
        """20 bytes stay as they are; of a longer address (some modules have 32) a digest stands in."""
        if len(raw) == ADDRESS_BYTES:
            return raw
        self.count("uses of addresses not of 20 bytes, replaced by a digest of 20")
        return sha256(_LONG + raw).digest()[:ADDRESS_BYTES]

    def coins(self, place: Place, *keys: str) -> int:
        """The coins of the bond denomination in a list of coins."""
        return sum(row.integer("amount") for row in self._of_denomination(place.rows(*keys)))

    def decimal_coins(self, place: Place, *keys: str) -> int:
        """The same of a list with 18 decimals, in units of 10^-18."""
        return sum(row.decimal("amount") for row in self._of_denomination(place.rows(*keys)))

    def _of_denomination(self, rows: Iterable[Place]) -> Iterable[Place]:
        for row in rows:
            if row.text("denom") == self.denomination:
                yield row
            else:
                self.count(f"amounts in other denominations than {self.denomination}, left out")


def module_address(name: str) -> bytes:
    """The address of a module's account on a Cosmos chain."""
    return sha256(name.encode()).digest()[:ADDRESS_BYTES]


def prefix_of(place: Place) -> str:
    """The Bech32 prefix that the chain's accounts have, told by one of them."""
    try:
        return bech32.decode(str(place.value))[0]
    except ValueError as reason:
        raise place.wrong(f"this is no address: {reason}") from None


def whole(units: int) -> int:
    """Whole coins in units of 10^-18, cut."""
    return units // UNIT


def read_stakes(reading: Reading, staking: Place, bonded: object) -> tuple[Stake, ...]:
    """The validators; `bonded` is how this layout writes that status."""
    return tuple(
        Stake(
            operator=reading.operator(row, "operator_address"),
            name=row.text("description", "moniker")[:140],
            tokens=row.integer("tokens"),
            shares=row.decimal("delegator_shares"),
            bonded=row.at("status").value == bonded,
            jailed=row.has("jailed") and row.flag("jailed"),
        )
        for row in staking.rows("validators")
    )


def read_delegations(reading: Reading, staking: Place) -> tuple[Delegation, ...]:
    """The delegations, in shares."""
    return tuple(
        Delegation(
            owner=reading.account(row, "delegator_address"),
            validator=reading.operator(row, "validator_address"),
            shares=row.decimal("shares"),
        )
        for row in staking.rows("delegations")
        if row.decimal("shares")
    )


def read_unbonding(reading: Reading, staking: Place) -> tuple[Unbonding, ...]:
    """Every entry of every unbonding delegation, by the height at which it can be claimed."""
    return tuple(
        Unbonding(
            owner=reading.account(row, "delegator_address"),
            validator=reading.operator(row, "validator_address"),
            completion=height_at(entry.seconds("completion_time"), reading.genesis),
            coins=entry.integer("balance"),
        )
        for row in staking.rows("unbonding_delegations")
        for entry in row.rows("entries")
        if entry.integer("balance")
    )


def staked(stakes: Sequence[Stake], *, bonded: bool) -> int:
    """The tokens of all bonded validators, or of all others."""
    return sum(stake.tokens for stake in stakes if stake.bonded is bonded)


def must_equal(place: str, stated: int, what: str, found: int) -> None:
    """A sum that the file states must be the one its entries give."""
    if stated != found:
        raise GenesisInconsistent(place, f"the file states {stated}, {what} sum to {found}")
