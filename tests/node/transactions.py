"""Transactions for tests of the node: real ones, signed by keys made from names."""

from runtime.address import address_of
from runtime.keys import derive
from runtime.transaction import Body, Call, decode_transaction, sign


def key_of(name):
    return derive(b"tests of the node", name)


def sender_of(name):
    return address_of(key_of(name).public)


def transaction(name="alice", nonce=0, fee=10, expiry=0, padding=0, call=("bank", "send"), chain="synod-1"):
    """A signed transaction; ``padding`` bytes of arguments make it larger."""
    key = key_of(name)
    module, function = call
    body = Body(
        chain=chain,
        sender=address_of(key.public),
        nonce=nonce,
        fee=fee,
        expiry=expiry,
        call=Call(module=module, name=function, interface=bytes(8), args=bytes(padding)),
        key=key.public,
    )
    return decode_transaction(sign(body, key), 1 << 20)
