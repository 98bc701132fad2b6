"""Host calls of this room: an account's own key."""

from __future__ import annotations

from runtime.accounts import rotate_key
from runtime.errors import HostRefused
from runtime.host import HostCall, HostContext
from runtime.keys import verify
from storage.record import Data, Hash, Record, field


class RotateKey(Record):
    """The new key, and its signature over the chain id and the address, so that nobody rotates to a key they lack."""

    key: Hash = field(1)
    proof: Data = field(2)


def rotation_message(chain_id: str, address: bytes) -> bytes:
    """What the new key signs."""
    return b"synod/rotate/" + chain_id.encode() + b"/" + address


def _rotate(context: HostContext, args: RotateKey) -> None:
    if not verify(args.key, rotation_message(context.chain_id, context.sender), args.proof):
        raise HostRefused("bad_proof", "the new key must sign the chain id and the address")
    rotate_key(context.overlay, context.sender, args.key)


KEY_CALLS: tuple[HostCall, ...] = (HostCall("keys", "rotate", RotateKey, _rotate),)
