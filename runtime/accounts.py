"""Keys and nonces: the host's half of an account. No bundle can reach them, and no rollback rewinds them.

An address is made from its first public key and then outlives it: the first transaction registers the key, a host
call that it signs puts another in its place. From then on it signs nothing, whatever height a vote counts by. Until
the first transaction an address is only a name that modules may already pay coins to.
"""

from __future__ import annotations

from runtime.address import address_of
from runtime.errors import HostRefused
from storage.overlay import Overlay
from storage.record import Amount, Flag, Hash, Record, field
from storage.tables import Table, host_table


class Account(Record):
    """The key that may sign for an address, and the nonce its next transaction must carry."""

    key: Hash = field(1)
    nonce: Amount = field(2, default=0)
    substitute: Flag = field(3, default=False)
    """The key stands in for one that nobody here has (imported chains)."""


ACCOUNTS: Table[Account] = host_table("host.accounts", Account)


def account_for(overlay: Overlay, sender: bytes, offered_key: bytes) -> Account:
    """The account that signs for ``sender``; a first transaction must bring the key its address was made from.

    Raises HostRefused: unknown_key (a stranger without a key), wrong_key (a key that is not the registered one).
    """
    account = overlay.get(ACCOUNTS, (sender,))
    if account is None:
        if len(offered_key) != 32 or address_of(offered_key) != sender:
            raise HostRefused("unknown_key", "the first transaction of an address must carry the key it was made from")
        return Account(key=offered_key)
    if offered_key and offered_key != account.key:
        raise HostRefused("wrong_key", "the address signs with another key now; one rotated away signs nothing")
    return account


def rotate_key(overlay: Overlay, sender: bytes, key: bytes) -> None:
    """Let ``key`` sign for ``sender`` from the next transaction on."""
    account = overlay.get(ACCOUNTS, (sender,))
    if account is None:
        raise HostRefused("unknown_key", "only an account that has signed before can rotate its key")
    overlay.put(ACCOUNTS, (sender,), account.but(key=key, substitute=False))


def use_nonce(overlay: Overlay, sender: bytes, offered_key: bytes) -> None:
    """Count one transaction of an admitted sender, so that it can never be sent again."""
    account = account_for(overlay, sender, offered_key)
    overlay.put(ACCOUNTS, (sender,), account.but(nonce=account.nonce + 1))
