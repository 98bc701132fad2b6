"""Blocks, transactions, receipts and accounts."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from node.http.answers.base import AddressText, AmountText, Answer, BytesHex, HashHex, Height, Number


class Attribute(Answer):
    """One named value of an event."""

    name: str
    value: str


class Event(Answer):
    """Something others may want to follow."""

    kind: str
    attributes: list[Attribute]


class Receipt(Answer):
    """What became of one item of a block; after a rollback an item has a second one."""

    item: HashHex
    code: str = Field(description="`ok`, or why not.")
    file: str = Field("", description="The bundle's file in which it failed.")
    line: Number = 0
    steps: Number
    written: Number = Field(description="Bytes.")
    fee: AmountText
    events: list[Event]


class Body(Answer):
    """What was signed."""

    chain: str
    sender: AddressText
    nonce: AmountText
    fee: AmountText
    expiry: AmountText
    module: str
    call: str
    interface: BytesHex
    args: BytesHex
    key: BytesHex


class Transaction(Answer):
    """A transaction and what became of it."""

    id: HashHex
    state: Literal["waiting", "executed", "failed", "dropped"]
    reason: str = Field("", description="The receipt's code when it failed, or why the mempool dropped it.")
    height: Height | None = None
    place: Number | None = Field(None, description="Its position in the block.")
    raw: BytesHex | None = Field(None, description="Its bytes; null when they are gone from here.")
    body: Body | None = None
    receipts: list[Receipt] = Field(default_factory=list, description="In the order of execution; two after a replay.")


class Submitted(Answer):
    """The mempool took it; `GET /transactions/{id}` tells what becomes of it."""

    id: HashHex
    state: Literal["waiting"] = "waiting"


class Block(Answer):
    """A block as its proposer made it, with its receipts."""

    height: Height
    id: HashHex
    chain: str
    last_block: HashHex
    app_root: HashHex = Field(description="The root after the block before this one.")
    proposer: AddressText
    transactions: list[HashHex] = Field(description="Ids in order.")
    receipts: list[Receipt] = Field(description="Of the transactions in order, then of hooks that failed.")
    second_receipts: list[Receipt] = Field(
        default_factory=list,
        description="Of a replay, each at the place of its first; then of hooks that failed only in the replay.",
    )


class Account(Answer):
    """What a signer needs to know of an address."""

    address: AddressText
    key: BytesHex = Field(description="The key that signs for it now; empty until its first transaction.")
    nonce: AmountText = Field(description="The next nonce of the committed state.")
    next_nonce: AmountText = Field(description="The next nonce after what waits in this node's mempool.")
    balance: AmountText = Field(description="Units that fees and deposits are taken from.")
    substitute: bool = Field(description="The key stands in for one that nobody here has (imported chains).")
