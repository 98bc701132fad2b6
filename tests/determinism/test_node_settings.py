"""Every key of ``[node]`` is this machine's own: whatever its value, the same transactions give the same roots."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from node.application import Application
from node.core import Core
from node.genesis.document import Genesis
from node.genesis.substitute import account_key
from node.metrics import Metrics
from node.rehearsal.world import World
from node.settings import NodeSettings, parse_settings
from node.verification import Verifier
from node.wallet import Wallet
from runtime.block import Block
from runtime.plans import HISTORY
from storage.codec import codec_of
from storage.home import Home
from storage.signing import LastSigned
from tests.faults.chain_story import minting_bundle, next_block, story_genesis

BLOCKS = 8
UPGRADE_BLOCKS = 60
OTHER: dict[str, object] = {
    "http_host": "localhost",
    "http_port": 0,
    "http_body_bytes": 131_072,
    "log_format": "json",
    "log_level": "debug",
    "mempool_count": 16,
    "mempool_bytes": 1024 * 1024,
    "mempool_nonce_window": 3,
    "mempool_fee_floor": 50,
    "mempool_replacement_percent": 0,
    "mempool_lifetime": 1,
    "verification_threads": 1,
    "verification_gather_ms": 0,
    "verification_known": 1_024,
    "rehearsal_seconds": 1,
    "rehearsal_memory_bytes": 256 * 1024 * 1024,
    "keep_blocks": 1,
    "blocks": "demand",
}
"""Another value than the default for every key."""


def test_every_key_is_varied() -> None:
    assert set(OTHER) == set(NodeSettings.model_fields)
    assert all(OTHER[name] != field.default for name, field in NodeSettings.model_fields.items())


def written(values: dict[str, object]) -> str:
    """A settings file that gives these values."""
    lines = [f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {value}" for key, value in values.items()]
    return "\n".join(["[node]", *lines, ""])


@pytest.mark.parametrize("key", sorted(OTHER))
def test_a_node_with_another_value_has_the_same_roots(key: str, tmp_path: Path) -> None:
    assert roots(tmp_path / "home", written({key: OTHER[key]})) == by_default()


def test_a_node_with_every_value_changed_follows_an_upgrade_and_its_rollback_alike(tmp_path: Path) -> None:
    world, bundle = World.create(tmp_path / "by default", story_genesis()), minting_bundle(story_genesis().chain_name)
    with opened(tmp_path / "other", written(OTHER)) as core:
        while world.height < UPGRADE_BLOCKS:
            next_block(world, bundle)
            block = codec_of(Block).decode(world.application.state.log().block(world.height))
            core._solo.make_block(block.transactions)
            core.grow()
            assert core.application.state.head == world.application.state.head
        kinds = [row.kind for _, row in core.application.state.overlay().scan(HISTORY)]
    world.close()
    assert kinds == ["executed", "rolled_back"]


@cache
def by_default() -> list[bytes]:
    with TemporaryDirectory() as scratch:
        return roots(Path(scratch) / "home", "")


@contextmanager
def opened(folder: Path, settings: str) -> Iterator[Core]:
    """The story's chain at its genesis, as a node with these settings opens it."""
    genesis = story_genesis()
    home = Home.create(folder)
    home.genesis_file.write_bytes(genesis.canonical())
    Application.init_chain(home, genesis)
    LastSigned.create(home.last_signed_file)
    parsed = parse_settings(settings, {}, "synod.toml")
    with Verifier(parsed.node.verification_threads, parsed.node.verification_gather_ms) as verifier:
        core = Core.open(home, parsed, verifier, frozenset(), Metrics())
        yield core
        core.close()


def roots(folder: Path, settings: str) -> list[bytes]:
    """The application root of every height under these settings."""
    genesis = story_genesis()
    with opened(folder, settings) as core:
        return [made(core, genesis, number) for number in range(BLOCKS)]


def made(core: Core, genesis: Genesis, number: int) -> bytes:
    """The root after a block of three transfers by one account."""
    application = core.application
    sender, receiver = (genesis.accounts[place].address for place in (number, number + 1))
    wallet = Wallet(genesis.chain_id, sender, account_key(genesis.seed, sender))
    send = application.chain.loaded.calls[("bank", "send")].declaration
    for coins in (1, 2, 3):
        application.check_tx(application.decode(wallet.call(send, 100, to=receiver, coins=coins)))
    core.step()
    return application.state.head.app_root
