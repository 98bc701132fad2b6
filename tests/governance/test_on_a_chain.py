"""Governance in real blocks: signed host calls, commits, a restart at every block, the same roots.  # R1.6 N5"""

from __future__ import annotations

from pathlib import Path

from governance.calls import CALLS, CastVote, Propose, PublishChunk
from governance.lifecycle import Status
from governance.module import Governance
from governance.progress import proposal_at
from governance.proposals import Content, FeatureSwitch, NewValue, ParameterChange, RuntimeUpgrade
from runtime.address import address_of
from runtime.block import make_block
from runtime.chain import Chain
from runtime.execution import host_table_of
from runtime.genesis import GenesisState, create_chain_state
from runtime.identity import ChainIdentity
from runtime.keys import PrivateKey
from runtime.parameters import Parameters
from runtime.transaction import Body, Call, sign
from storage.codec import codec_of
from storage.home import RELEASE, Home
from storage.record import Record
from storage.state import State
from tests.governance.world import CHAIN_NAME, NO_WINDOW, SMALL, changed_bundle, core_bundle

KEYS = [PrivateKey.from_seed(bytes([number]) * 32) for number in range(1, 5)]
OWNERS = [address_of(key.public) for key in KEYS]
HOST = host_table_of(CALLS)
MODULES = (Governance(),)


def create(folder: Path) -> Home:
    """Four validators of equal power at height 0."""
    rows = []
    for number, owner in enumerate(OWNERS):
        rows.append(("bank.accounts", (owner,), {"balance": 10_000}))
        validator = {"tokens": 100, "shares": 100 * 10**18, "bonded": True, "key": bytes([number]) * 32}
        rows.append(("staking.validators", (owner,), validator))
        rows.append(("staking.consensus_keys", (bytes([number]) * 32,), {"operator": owner}))
        rows.append(("staking.delegations", (owner, owner), {"shares": 100 * 10**18}))
    home = Home.create(folder)
    genesis = GenesisState(
        identity=ChainIdentity(chain_id=CHAIN_NAME, chain_name=CHAIN_NAME, genesis=bytes(32)),
        bundle=core_bundle(),
        host_release=RELEASE,
        keys=[(owner, key.public, False) for owner, key in zip(OWNERS, KEYS, strict=True)],
        rows=rows,
        parameters=SMALL,
    )
    create_chain_state(home, genesis, MODULES).close()
    return home


def signed(number: int, nonce: int, name: str, args: Record) -> bytes:
    entry = HOST["governance", name]
    call = Call(module="governance", name=name, interface=entry.interface, args=codec_of(type(args)).encode(args))
    return sign(Body(chain=CHAIN_NAME, sender=OWNERS[number], nonce=nonce, call=call), KEYS[number])


def produce(chain: Chain, *raws: bytes) -> tuple[str, ...]:
    """One committed block; the receipts' codes."""
    head = chain.state.head
    block = make_block(head.height + 1, CHAIN_NAME, chain.last_block, head.app_root, OWNERS[0], raws)
    prepared = chain.finalize(block)
    chain.commit(prepared)
    return tuple(receipt.code for receipt in prepared.receipts)


def submit(chain: Chain) -> None:
    """A block with one good proposal and one whose target does not exist."""
    change = ParameterChange(values=(NewValue(name="fee_floor", number=5),))
    proposing = Propose(title="Dearer", content=Content.of(change), deposit=1_000, window=NO_WINDOW)
    stray = Propose(
        title="No", content=Content.of(FeatureSwitch(name="none", on=True)), deposit=1_000, window=NO_WINDOW
    )
    codes = produce(chain, signed(0, 0, "propose", proposing), signed(1, 0, "propose", stray))
    assert codes == ("ok", "unknown_target")


def run(folder: Path, restart: bool) -> list[bytes]:
    """The whole story of one proposal; app roots by height."""
    home = create(folder)
    state = State.open(home)
    chain = Chain(state, MODULES)
    submit(chain)
    roots = [chain.state.head.app_root]
    while True:
        if restart:
            chain.state.close()
            chain = Chain(State.open(home), MODULES)
        overlay = chain.state.overlay()
        what, standing = proposal_at(overlay, 1)
        status = Status(standing.status)
        if status.is_final:
            assert status is Status.EXECUTED
            assert Parameters(overlay, chain.state.height + 1).integer("fee_floor") == 5
            chain.state.close()
            return roots
        raws = []
        if standing.opened == chain.state.height + 1:
            vote = CastVote(proposal=1, option="yes", effect=what.effect)
            raws = [signed(number, 1 if number < 2 else 0, "vote", vote) for number in range(4)]
        assert set(produce(chain, *raws)) <= {"ok"}
        roots.append(chain.state.head.app_root)


def test_a_parameter_changes_by_signed_votes_and_a_restarted_node_agrees(tmp_path: Path) -> None:
    assert run(tmp_path / "a", restart=False) == run(tmp_path / "b", restart=True)


def test_the_receipt_of_a_refused_bundle_names_file_and_line(tmp_path: Path) -> None:
    home = create(tmp_path / "home")
    chain = Chain(State.open(home), MODULES)
    bad = changed_bundle({"bank.py": (("if coins == 0:", "if coins._hidden == 0:"),)}, "1.1.0")
    chunk = PublishChunk(code_hash=bad.code_hash, index=0, total=1, data=bad.archive)
    content = RuntimeUpgrade(version="1.1.0", code_hash=bad.code_hash, effect=bytes(32), activation_delay=10)
    proposing = Propose(title="Bad", content=Content.of(content), deposit=1_000, window=NO_WINDOW)
    head = chain.state.head
    raws = (signed(0, 0, "publish_chunk", chunk), signed(0, 1, "propose", proposing))
    block = make_block(1, CHAIN_NAME, chain.last_block, head.app_root, OWNERS[0], raws)
    published, refused = chain.finalize(block).receipts
    line = dict(bad.files)["bank.py"].decode().split("coins._hidden")[0].count("\n") + 1
    assert (published.code, refused.file, refused.line) == ("ok", "bank.py", line)
    assert refused.code not in ("ok", "bundle_refused")
    chain.state.close()
