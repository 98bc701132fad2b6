"""The genesis document: everything a chain holds before its first block, in one form for every source.

Coins are whole smallest units, shares units of 10^-18, times heights; all are exact integers, written as decimal text
so that no JSON reader rounds them. Lists are sorted by their keys without repeats, so one genesis has one digest. What
must add up is checked once, whoever made the document (see node/genesis/laws.py).
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from governance.calls import LONGEST_DESCRIPTION, LONGEST_TITLE
from node.genesis.errors import GenesisMalformed
from node.genesis.laws import check_laws
from node.genesis.values import Ballot, Coins, Name, Owner, ParameterValue, PublicKey, Value

SHARE = 10**18
"""Shares that one coin buys of a validator that was never slashed."""
_DIGEST = b"synod/genesis/"


class Account(Value):
    """An address and the coins it can spend at once."""

    address: Owner
    balance: Coins = 0
    key: PublicKey = b""
    """Who signs for it; empty where nobody may, as for a module's account."""
    substitute: bool = False
    """The key stands in for one that nobody here has."""
    role: str = Field(default="", max_length=64)
    """What the account is for on the chain it came from, like ``gov``; empty for a person's."""


class Vesting(Value):
    """Coins beside the balance that become free in equal parts from `start` to `end`, both heights."""

    owner: Owner
    locked: Coins
    original: Coins
    start: Coins
    end: Coins


class Validator(Value):
    """A validator by its operator; only a bonded one has power."""

    operator: Owner
    name: str = Field(default="", max_length=140)
    key: PublicKey
    """The consensus key."""
    substitute: bool = False
    tokens: Coins
    shares: Coins
    """In units of 10^-18."""
    bonded: bool
    jailed: bool = False


class Delegation(Value):
    """What an owner holds of a validator, in units of 10^-18 shares."""

    owner: Owner
    validator: Owner
    shares: Coins


class Unbonding(Value):
    """Coins on their way out of a validator, claimable from the height `completion`."""

    owner: Owner
    validator: Owner
    completion: Coins
    coins: Coins


class Deposit(Value):
    """Whose coins the deposit account holds for a proposal that was open; they are part of that account's balance."""

    depositor: Owner
    proposal: Coins
    coins: Coins


class Vote(Value):
    """What an account has voted on an open proposal; it counts for the power that the account has at genesis."""

    voter: Owner
    ballot: Ballot


class OpenProposal(Value):
    """A proposal that the chain of the document is deciding: words for the electorate's opinion, which change nothing
    by themselves. Whose deposits it has, `Genesis.deposits` says."""

    number: Coins
    title: str = Field(min_length=1, max_length=LONGEST_TITLE)
    description: str = Field(default="", max_length=LONGEST_DESCRIPTION)
    proposer: Owner
    """Who may withdraw it."""
    status: Literal["deposit", "voting"]
    ends: Coins
    """The last height at which it takes deposits, or at which votes on it count."""
    rules: Name
    """Those of the document's `rules` that it is decided by."""
    votes: tuple[Vote, ...] = ()


class Faucet(Value):
    """A pot of test coins: an account gets at most `most` of them in each `span` of blocks."""

    coins: Coins
    most: Coins
    span: Coins


class Source(Value):
    """Where the document comes from, for reports."""

    layout: Name
    chain: str = Field(default="", max_length=200)
    """The chain id in the file that was read; empty for a generated genesis."""
    digest: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    """SHA-256 of that file."""
    notes: tuple[Annotated[str, Field(max_length=10_000)], ...] = ()
    """What was left out or had to be changed, one sentence each."""


class Genesis(Value):
    """A whole chain before its first block; constructing one checks everything that must add up."""

    format: Literal[1] = 1
    chain_id: Name
    chain_name: Name
    """What bundles name: a rehearsal keeps the name of the chain it rehearses."""
    seed: str = Field(default="", max_length=64)
    """What every key is derived from; empty when the keys are real ones."""
    source: Source
    accounts: tuple[Account, ...]
    vesting: tuple[Vesting, ...] = ()
    validators: tuple[Validator, ...]
    delegations: tuple[Delegation, ...] = ()
    unbonding: tuple[Unbonding, ...] = ()
    community_pool: Coins = 0
    deposit_account: Owner | None = None
    deposits: tuple[Deposit, ...] = ()
    proposals: tuple[OpenProposal, ...] = ()
    next_proposal: Coins = 1
    """The number of the first proposal that is made here."""
    rules: dict[Name, dict[Name, str]] = Field(default_factory=dict)
    """What proposals are decided by on the chain that the document comes from, as rules of tracks, by name; the open
    ones keep to it whatever tracks there are."""
    faucet: Faucet | None = None
    guardian: Owner | None = None
    """Who may cancel, pause and isolate at once; nobody where there is none."""
    parameters: dict[Name, ParameterValue] = Field(default_factory=dict)
    tracks: dict[Name, dict[Name, str]] = Field(default_factory=dict)
    """The rules of each track that are not the usual ones, as text; without any the chain has the default tracks."""
    routes: dict[Name, tuple[Name, ...]] = Field(default_factory=dict)
    """The tracks that each kind of proposal may take, the first when it names none."""

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        check_laws(self)
        return self

    @property
    def supply(self) -> int:
        """All coins: balances, locked, staked, unbonding, community pool and faucet."""
        parts = (
            sum(account.balance for account in self.accounts),
            sum(vesting.locked for vesting in self.vesting),
            sum(validator.tokens for validator in self.validators),
            sum(entry.coins for entry in self.unbonding),
            self.community_pool,
            self.faucet.coins if self.faucet else 0,
        )
        return sum(parts)

    def canonical(self) -> bytes:
        """The one spelling of this document: compact JSON, names sorted, ASCII."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":")).encode()

    @property
    def digest(self) -> bytes:
        """32 bytes that name this genesis."""
        return digest_of(self.canonical())

    @classmethod
    def read(cls, document: Any) -> Self:
        """A document from parsed JSON; raises GenesisMalformed (with the place) or GenesisInconsistent."""
        try:
            return cls.model_validate(document)
        except ValidationError as wrong:
            raise refusal_of(wrong) from None


def digest_of(canonical: bytes) -> bytes:
    """32 bytes that name the genesis of this canonical spelling."""
    return sha256(_DIGEST + canonical).digest()


def refusal_of(wrong: ValidationError) -> GenesisMalformed:
    """The first thing that the validation of a document found, as this room's error."""
    first = wrong.errors(include_url=False)[0]
    return GenesisMalformed(place_text(first["loc"]), problem_text(first))


def place_text(parts: tuple[int | str, ...]) -> str:
    """A place as one writes it: ``accounts[3].balance``."""
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".")


def problem_text(error: Any) -> str:
    """What is wrong, without the words that the validation library puts before it."""
    if error["type"] == "missing":
        return "a value is missing"
    if error["type"] == "extra_forbidden":
        return "there is no field of that name"
    return str(error["msg"]).removeprefix("Value error, ")
