"""`synod keys rotate`: an address gets another key, keeps what it owns, and its old key signs no more."""

from pathlib import Path

import pytest

from node.genesis.generated import generated_address
from runtime.address import address_text
from tests.scripts.conftest import Said

OWNER = 33


@pytest.fixture
def new_key(said: Said, live: Path) -> str:
    code, _ = said("keys", "create", "new", "--plain", "--home", str(live))
    assert code == 0
    return "new"


def test_the_new_key_speaks_for_the_address_and_the_old_one_no_longer(said: Said, live: Path, new_key: str) -> None:
    home, address = ("--home", str(live)), address_text(generated_address("scenario", OWNER))
    try:
        code, sent = said("keys", "rotate", new_key, "--from", f"account-{OWNER}", *home)
        assert (code, sent["state"]) == (0, "executed")
        for named in ((), ("--key", new_key)):
            code, sent = said("transfer", "account-1", "1", "--from", f"account-{OWNER}", *named, *home)
            assert (code, sent["body"]["sender"]) == (0, address)
    finally:
        (live / "keys" / "new.key.json").unlink()
    code, refused = said("transfer", "account-1", "1", "--from", f"account-{OWNER}", *home)
    assert (code, refused["error"]["code"]) == (2, "key_not_of_account")
