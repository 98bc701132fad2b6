"""Signing and sending: one transaction or several in order, then the receipt of each.

Before anything is signed the chain must be the one that is meant: that of `--chain`, and that of the home, whose
genesis must be the one the node's chain began with. The nonce is the node's next one for the sender, counted on from
there. A transaction is signed for the interface that the running bundle's own bytes declare.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from governance.errors import meaning
from runtime.transaction import Body, Call, sign

from .client import Answered, Client, WrongChain, chain_option, check_genesis, client_of, url_option
from .console import Answer, Progress, printable
from .exits import Exit
from .identities import Identities, Signer
from .options import home_option, password_option, plain_option
from .runtimes import Shown, Target

POLL_FIRST, POLL_MOST = 0.01, 0.5
"""Seconds between two looks at a transaction, growing."""
PATIENCE = 60


class StillWaiting(Exception):
    """The time is up and what was waited for has not come; it may yet."""

    code = "still_waiting"
    exit = Exit.MACHINE

    def __init__(self, what: str, seconds: float, option: str = "--timeout") -> None:
        super().__init__(f"after {seconds:g} s {what}; look again later, or give a longer {option}")


class KeyNotOfAccount(Exception):
    """The key at hand does not speak for the address."""

    code = "key_not_of_account"
    exit = Exit.USAGE

    def __init__(self, signer: Signer, key: str) -> None:
        super().__init__(
            f"{signer.name} does not sign for {signer.text}, whose key is {key}: name the key file that does with --key"
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """How a command was told to sign and wait."""

    home: Path
    url: str | None
    chain_id: str | None
    sender: str | None
    key_name: str | None
    password_file: Path | None
    plain: bool
    wait: bool
    timeout: float

    def identities(self) -> Identities:
        """The names and keys at hand."""
        return Identities(self.home, self.password_file, self.plain)


_OPTIONS = (
    click.option("--from", "sender", envvar="SYNOD_FROM", metavar="NAME|ADDRESS",
                 help="Who signs: a key of the home, its address, or in a rehearsal validator-0, account-7.  "
                      "[default: $SYNOD_FROM, else the home's only key]"),
    click.option("--key", "key_name", metavar="NAME", help="The key file that signs, if it is not the sender's first."),
    home_option,
    url_option,
    chain_option,
    password_option,
    plain_option,
    click.option("--no-wait", is_flag=True, help="Do not wait for the receipt."),
    click.option("--timeout", type=click.FloatRange(0), default=PATIENCE, show_default=True,
                 help="Seconds to wait for a receipt."),
)  # fmt: skip


def signing_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of signing; they reach it as one `Asked`."""

    @wraps(function)
    def gathered(
        *arguments: Any,
        home: Path,
        url: str | None,
        chain_id: str | None,
        sender: str | None,
        key_name: str | None,
        password_file: Path | None,
        plain: bool,
        no_wait: bool,
        timeout: float,
        **others: Any,
    ) -> Any:
        asked = Asked(home, url, chain_id, sender, key_name, password_file, plain, not no_wait, timeout)
        return function(*arguments, asked=asked, **others)

    decorated: Callable[..., Any] = gathered
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


class Desk:
    """Where things are signed and sent: a client of the right chain, the running runtime, and who signs."""

    def __init__(self, client: Client, asked: Asked, identities: Identities) -> None:
        self.client = client
        self.asked = asked
        self.identities = identities
        self.runtime = Shown(client)
        self.chain_id = checked_chain(client, asked.chain_id, identities)
        self._nonces: dict[bytes, int] = {}

    def signer(self, who: str | None = None) -> Signer:
        """Who was asked to sign, or ``who``; where another key was rotated in and nobody named a key, with that one."""
        found = self.identities.signer(who or self.asked.sender, self.asked.key_name)
        known = self.client.account(found.text)["key"]
        if self.asked.key_name is not None or known in (None, "", found.key.public.hex()):
            return found
        return self.identities.holding(found, known)

    def send(self, signer: Signer, target: Target, args: bytes, fee: int = 0) -> str:
        """Sign a call and hand it to the node; its id. Raises KeyNotOfAccount, or NodeProblem with the refusal."""
        body = Body(
            chain=self.chain_id,
            sender=signer.address,
            nonce=self._nonce(signer),
            fee=0 if target.host else fee,
            call=Call(module=target.module, name=target.name, interface=target.interface, args=args),
            key=signer.key.public,
        )
        sent = self.client.submit(sign(body, signer.key))
        self._nonces[signer.address] += 1
        return sent

    def receipt(self, transaction_id: str) -> Answered:
        """What became of a transaction, once something has; raises StillWaiting when the time is up."""
        progress = Progress("waiting for a block, height")
        deadline, pause = time.monotonic() + self.asked.timeout, POLL_FIRST
        try:
            while (found := self.client.transaction(transaction_id))["state"] == "waiting":
                if time.monotonic() >= deadline:
                    raise StillWaiting(f"transaction {transaction_id} still waits in the mempool", self.asked.timeout)
                progress.at(self.client.status()["height"])
                time.sleep(pause)
                pause = min(pause * 1.5, POLL_MOST)
        finally:
            progress.end()
        return found

    def outcome(self, sent: Sequence[str]) -> list[Answered]:
        """What became of each; as they were sent, where nobody wants to wait."""
        if not self.asked.wait:
            return [{"id": one, "state": "waiting"} for one in sent]
        return [self.receipt(one) for one in sent]

    def least_fee(self) -> int:
        """What the chain takes at least for a module's call."""
        return int(self.client.parameters()["fee_floor"])

    def _nonce(self, signer: Signer) -> int:
        if signer.address not in self._nonces:
            account = self.client.account(signer.text)
            if account["key"] and account["key"] != signer.key.public.hex():
                raise KeyNotOfAccount(signer, account["key"])
            self._nonces[signer.address] = int(account["next_nonce"])
        return self._nonces[signer.address]


@contextmanager
def desk_of(asked: Asked) -> Iterator[Desk]:
    """A desk at the node that was asked for."""
    with client_of(asked.home, asked.url) as client:
        yield Desk(client, asked, asked.identities())


def checked_chain(client: Client, wanted: str | None, identities: Identities) -> str:
    """The id of the node's chain; raises WrongChain unless it is the one that was asked for and the home's."""
    found = str(client.identity()["chain_id"])
    if wanted is not None and wanted != found:
        raise WrongChain(client.url, wanted, found)
    check_genesis(client, identities.home)
    return found


def told(outcomes: Sequence[Answered], first_line: str = "") -> Answer:
    """What became of transactions, as an answer; exit 1 when one of them failed or was dropped."""
    failed = [one for one in outcomes if one["state"] in ("failed", "dropped")]
    lines = [first_line] if first_line else []
    lines += [line for one in outcomes for line in _lines(one)]
    data = outcomes[0] if len(outcomes) == 1 else {"transactions": list(outcomes)}
    return Answer(data, "\n".join(lines), int(Exit.REFUSED if failed else Exit.PASSED))


def _lines(outcome: Answered) -> Iterator[str]:
    yield f"transaction {outcome['id']}"
    receipt = (outcome.get("receipts") or [None])[-1]
    if receipt is None:
        reason = outcome.get("reason", "")
        yield f"{outcome['state']}{f': {reason}' if reason else ''}"
        return
    where = f" at {receipt['file']}:{receipt['line']}" if receipt["file"] else ""
    why = f": {receipt['code']}{where}" if receipt["code"] != "ok" else ""
    yield f"{outcome['state']} at height {outcome['height']}{why}, fee {receipt['fee']}, {receipt['steps']} steps"
    if said := meaning_of(receipt):
        yield f"  {said}"
    for event in receipt["events"]:
        values = " ".join(f"{one['name']}={one['value']}" for one in event["attributes"])
        yield printable(f"  {event['kind']} {values}".rstrip())


def meaning_of(receipt: Answered) -> str:
    """What the code of a receipt means, where it is governance's; a code with a place is one of a bundle's own."""
    return "" if receipt["file"] else meaning(receipt["code"])


def event_value(outcome: Answered, kind: str, name: str) -> str | None:
    """A value that a transaction's last receipt tells; None when it does not."""
    for receipt in reversed(outcome.get("receipts") or []):
        for event in receipt["events"]:
            if event["kind"] == kind:
                return next((str(one["value"]) for one in event["attributes"] if one["name"] == name), None)
    return None
