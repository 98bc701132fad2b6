"""A wallet: one address, its key, and the nonce it signs next. For scripts, rehearsals and tests.

It signs host calls by the host's own argument records, and module calls by the schema that the running runtime
declares, so the interface it signs for is the one it was shown.
"""

from __future__ import annotations

from typing import Any

from runtime.bundle.declarations import CallDeclaration
from runtime.host import HostCall
from runtime.interface import interface_of
from runtime.keys import PrivateKey
from runtime.transaction import Body, Call, sign
from storage.codec import codec_of
from storage.record import Record, define_record


class Wallet:
    """Signs for one address on one chain."""

    def __init__(self, chain_id: str, address: bytes, key: PrivateKey, nonce: int = 0) -> None:
        self.chain_id = chain_id
        self.address = address
        self.key = key
        self.nonce = nonce
        """The nonce of the next transaction; counts up with each one signed."""

    def host(self, call: HostCall, args: Record) -> bytes:
        """A signed host call, raw."""
        interface = interface_of(call.module, call.name, call.schema, call.meaning)
        return self._sign(call.module, call.name, interface, call.codec.encode(args), fee=0)

    def call(self, declaration: CallDeclaration, fee: int, /, **args: Any) -> bytes:
        """A signed module call, raw; ``args`` by the names that the call declares."""
        record = define_record(declaration.args)
        raw = codec_of(record).encode(record(**args))
        return self._sign(declaration.module, declaration.name, declaration.interface, raw, fee)

    def _sign(self, module: str, name: str, interface: bytes, args: bytes, fee: int) -> bytes:
        body = Body(
            chain=self.chain_id,
            sender=self.address,
            nonce=self.nonce,
            fee=fee,
            call=Call(module=module, name=name, interface=interface, args=args),
            key=self.key.public,
        )
        raw = sign(body, self.key)
        self.nonce += 1
        return raw
