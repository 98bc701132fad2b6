"""`synod restore`: back to a checkpoint without ever signing twice, or on as a new chain that nothing old counts on."""

import json
import shutil
from pathlib import Path

import pytest

from node.rehearsal.world import World
from runtime.errors import HostRefused
from scripts.client import url_of
from storage.errors import SigningRefused
from tests.node.processes import client, new_world
from tests.scripts.conftest import Said, near
from tests.short_periods import short_genesis


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that stopped at height 30 and has a checkpoint of height 10."""
    world = new_world(tmp_path_factory.mktemp("stopped") / "home")
    world.forward(10)
    world.application.checkpoint("at 10")
    world.traffic(4)
    world.must()
    world.forward(30)
    world.close()
    return world.home.root


@pytest.fixture
def home(stopped: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(stopped, tmp_path / "home"))


def test_a_home_goes_back_keeps_what_it_replaced_and_signs_nothing_twice(said: Said, home: Path) -> None:
    code, answer = said("restore", "10", "--home", str(home))
    assert (code, answer["height"], answer["height_before"], answer["last_signed"]) == (0, 10, 30, 30)
    status = said("status", "--home", str(home))[1]
    assert (status["height"], status["app_root"], status["last_signed"]) == (10, answer["app_root"], 30)
    assert (home / "replaced" / "database").is_dir()
    world = World.open(home, short_genesis())
    try:
        with pytest.raises(SigningRefused):
            world.block()
        assert world.height == 10
    finally:
        world.close()


def test_the_highest_state_is_never_overwritten_and_can_be_put_back(said: Said, home: Path) -> None:
    root = said("status", "--home", str(home))[1]["app_root"]
    assert said("restore", "10", "--home", str(home))[0] == 0
    code, refused = said("restore", "10", "--home", str(home))
    assert (code, refused["error"]["code"], refused["error"]["height"]) == (1, "higher_kept", 30)
    for which in ("replaced", "10", str(home / "replaced")):
        assert said("restore", which, "--home", str(home))[0] == 0
    status = said("status", "--home", str(home))[1]
    assert (status["height"], status["app_root"]) == (30, root)
    world = World.open(home, short_genesis())
    world.block()
    assert world.height == 31
    world.close()


def test_a_damaged_database_is_replaced_by_the_checkpoint(said: Said, home: Path) -> None:
    (home / "database" / "CURRENT").unlink()
    (home / "head").write_bytes(b"rubbish")
    code, answer = said("restore", "latest", "--home", str(home))
    assert (code, answer["height"], answer["height_before"]) == (0, 10, None)


def test_a_new_chain_has_the_state_another_id_and_its_parent_s_root(said: Said, home: Path, tmp_path: Path) -> None:
    before = said("status", "--home", str(home))[1]
    words = ("restore", "10", "--as-new-chain", "--chain-id", "after-it", "--into", str(tmp_path / "new"))
    code, made = said(*words, "--home", str(home))
    assert (code, made["chain_id"], made["chain_name"]) == (0, "after-it", "synod-local")
    assert made["parent"] == made["checkpoint"]["app_root"]
    assert said("status", "--home", str(home))[1] == before
    status = said("status", "--home", str(tmp_path / "new"))[1]
    assert (status["height"], status["last_signed"], status["app_root"]) == (10, 0, made["app_root"])
    assert (tmp_path / "new" / "synod.toml").read_bytes() == (home / "synod.toml").read_bytes()


def test_nothing_signed_for_one_chain_counts_on_the_other(said: Said, home: Path, tmp_path: Path) -> None:
    world = World.open(home, short_genesis())
    sender, receiver = world.accounts()[:2]
    send = world.application.chain.loaded.calls[("bank", "send")].declaration
    world.wallet(sender).nonce = 0
    old = world.wallet(sender).call(send, 10, to=receiver, coins=1)
    world.close()
    new = tmp_path / "new"
    said("restore", "10", "--as-new-chain", "--into", str(new), "--home", str(home))
    with near(new), client(url_of(new)) as http:
        refused = http.post("/transactions", json={"transaction": old.hex()})
        assert (refused.status_code, refused.json()["code"]) == (422, "wrong_chain")
        code, sent = said("transfer", "account-1", "1", "--from", "account-0", "--home", str(new))
        assert (code, sent["height"], sent["body"]["chain"]) == (0, 11, http.get("/status").json()["chain_id"])
        assert http.get("/blocks/11").json()["chain"] == sent["body"]["chain"]
        proven = said("query", "host.chain", "--prove", "--home", str(new))[1]["row"]["value"]
        assert (proven["chain_id"], proven["initial_height"]) == (sent["body"]["chain"], "10")
    world = World.open(home, short_genesis())
    try:
        with pytest.raises(HostRefused) as wrong:
            world.submit(bytes.fromhex(sent["raw"]))
        assert wrong.value.code == "wrong_chain"
    finally:
        world.close()


def test_two_new_chains_from_one_checkpoint_have_ids_of_their_own(said: Said, home: Path, tmp_path: Path) -> None:
    words = ("restore", "10", "--as-new-chain", "--home", str(home), "--into")
    made = [said(*words, str(tmp_path / name))[1]["chain_id"] for name in ("a", "b")]
    assert made[0] != made[1]
    assert all(one.startswith("synod-local-rehearsal-scenario-from-10-") for one in made)
    document = json.loads((tmp_path / "a" / "genesis.json").read_text())
    assert document["chain_id"] == "synod-local-rehearsal-scenario"


@pytest.mark.parametrize(
    ("words", "code", "name"),
    [
        (("11",), 1, "checkpoint_unknown"),
        (("10", "--chain-id", "other"), 2, "new_chain_options"),
        (("10", "--as-new-chain", "--chain-id", "no spaces"), 2, "bad_chain_id"),
        (("10", "--as-new-chain", "--chain-id", "synod-local-rehearsal-scenario"), 2, "same_chain_id"),
        (("10", "--as-new-chain", "--into", "."), 2, "home_not_empty"),
    ],
)
def test_what_cannot_be_restored_says_why_and_leaves_the_home_alone(
    said: Said, home: Path, words: tuple[str, ...], code: int, name: str
) -> None:
    before = said("status", "--home", str(home))[1]
    found, refused = said("restore", *words, "--home", str(home))
    assert (found, refused["error"]["code"]) == (code, name)
    assert said("status", "--home", str(home))[1] == before
    assert not home.with_name("home-from-10").exists()


def test_a_running_node_s_home_is_not_restored(said: Said, live: Path, home: Path) -> None:
    folder = next((home / "checkpoints").iterdir())
    code, refused = said("restore", str(folder), "--home", str(live))
    assert (code, refused["error"]["code"]) == (3, "store_locked")
