"""The calls of the most recent real transactions, to be made again in the blocks of a trial.

Taken are calls to modules that succeeded when they were made; host calls decided something then and are not asked
again. Each gets its sender's next nonce and loses its expiry; call, interface, arguments and fee stay. So one that
names another interface than the new runtime's is found out, as it will be after the activation.

The block log is not a part of the state: a node that joined the chain by a snapshot has fewer of these calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from runtime.accounts import ACCOUNTS
from runtime.chain import Chain
from runtime.errors import TransactionMalformed
from runtime.keys import PrivateKey
from runtime.receipts import OK
from runtime.sealing import RECEIPTS, block_of
from runtime.transaction import Body, decode_transaction, sign
from storage.blocklog import IDS
from storage.overlay import Overlay

_NO_ONES_KEY = PrivateKey.from_seed(bytes(32))
"""A trial's blocks do not ask for signatures; the form of a transaction does."""


def recent_calls(chain: Chain, most: int) -> list[Body]:
    """The newest calls of the log, at most ``most``, in the order in which they were made."""
    return list(islice(_newest_first(chain), most))[::-1]


def signed_again(chain: Chain, calls: Iterable[Body]) -> list[bytes]:
    """Transactions that make these calls next, each under its sender's next nonce."""
    overlay = chain.state.overlay()
    nonces: dict[bytes, int] = {}
    made = []
    for body in calls:
        nonce = nonces[body.sender] if body.sender in nonces else _committed(overlay, body.sender)
        nonces[body.sender] = nonce + 1
        made.append(sign(body.but(chain=chain.identity.chain_id, nonce=nonce, expiry=0, key=b""), _NO_ONES_KEY))
    return made


def _newest_first(chain: Chain) -> Iterator[Body]:
    log = chain.state.log()
    for height in log.heights(IDS, reverse=True):
        receipts = [RECEIPTS.decode(raw).code for raw in log.receipts(height)]
        transactions = block_of(log.block(height)).transactions
        for raw, code in reversed(list(zip(transactions, receipts, strict=False))):
            body = _body_of(raw) if code == OK else None
            if body is not None and (body.call.module, body.call.name) not in chain.host:
                yield body


def _body_of(raw: bytes) -> Body | None:
    try:
        return decode_transaction(raw, len(raw)).body
    except TransactionMalformed:
        return None


def _committed(overlay: Overlay, sender: bytes) -> int:
    account = overlay.get(ACCOUNTS, (sender,))
    return 0 if account is None else account.nonce
