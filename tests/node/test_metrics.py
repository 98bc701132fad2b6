"""What monitoring reads of a node: counted as it happens, looked up in the chain, and never without bound."""

from __future__ import annotations

from pathlib import Path

from governance.calls import CastVote, Propose
from governance.progress import proposal_at
from governance.proposals import Content, MaintenanceWindow, Pause
from node.metrics import MOST_CODES, Metrics
from node.rehearsal.rollback import live_until_it_breaks
from node.rehearsal.world import World
from tests.node.marked import marked
from tests.node.processes import client, included, new_world, post, started
from tests.node.scraped import Scraped, scrape
from tests.node.served import Node
from tests.scenarios.upgrades import activated, approved, edited, example
from tests.short_periods import short_genesis


def test_a_running_node_counts_blocks_and_transactions_by_what_became_of_them(tmp_path: Path) -> None:
    home = tmp_path / "home"
    new_world(home).close()
    world = World.open(home, short_genesis())
    sender, receiver = world.accounts()[:2]
    wallet, send = world.wallet(sender), world.application.chain.loaded.calls[("bank", "send")].declaration
    world.close()
    with started(home, "--blocks", "demand") as node, client(node.serving()) as http:
        before = scrape(http)
        assert (before.value("height"), before.value("block_execution_seconds_count")) == (0, 0)
        assert before.labels("transactions_total") == before.labels("transactions_refused_total") == []
        for coins in (1, 2, 10**40):
            included(node, http, post(http, wallet.call(send, 10, to=receiver, coins=coins)))
        assert http.post("/transactions", json={"transaction": "00"}).status_code == 400
        wallet.nonce += 1  # a gap, so that it waits
        late = wallet.call(send, 10, to=receiver, coins=1)
        post(http, late)
        after = scrape(http)
    assert after.value("transactions_total", outcome="ok", code="ok") == 2
    assert after.value("transactions_total", outcome="failed", code="insufficient_funds") == 1
    assert after.value("transactions_refused_total", code="malformed") == 1
    assert (after.value("mempool_transactions"), after.value("mempool_bytes")) == (1, len(late))
    assert (after.value("height"), after.value("durable_height")) == (3, 3)
    for name in ("block_execution_seconds", "block_commit_seconds"):
        assert after.value(f"{name}_count") == after.value(f"{name}_bucket", le="+Inf") == 3
        assert (after.value(f"{name}_sum") or 0) > 0


def test_an_upgrade_is_seen_coming_taking_effect_and_rolled_back(node: Node) -> None:
    world = node.world
    bundle = marked(world)
    first = scrape(node.client)
    assert first.labels("runtime_info") == [_runtime(world)]
    assert first.labels("pending_upgrade_activation_height") == []
    assert (first.value("upgrade_success_ratio"), first.value("checkpoints")) == (None, 0)
    assert [first.value("upgrades_total", outcome=one) for one in ENDS] == [0, 0, 0]
    assert (_phase(first), first.value("incidents"), first.value("checkpoints_lost")) == ("idle", 0, 0)

    voted = node.executor.submit(approved, world, bundle).result(120)
    activation = proposal_at(world.overlay(), voted.proposal)[1].effective
    plan = {"plan": "1", "version": "2.0.0", "code_hash": bundle.code_hash.hex()}
    coming = scrape(node.client)
    assert coming.value("pending_upgrade_activation_height", **plan) == activation
    assert _phase(coming) == "timelock"
    grown, all_of_it = (coming.value("growth_records", state=state) for state in ("done", "total"))
    assert grown is not None and all_of_it is not None and 0 < grown <= all_of_it

    node.executor.submit(world.forward, activation).result(120)
    flipped = scrape(node.client)
    assert flipped.labels("runtime_info") == [_runtime(world)]
    assert flipped.labels("runtime_info")[0]["version"] == "2.0.0"
    assert flipped.labels("pending_upgrade_activation_height") == []
    assert [flipped.value("upgrades_total", outcome=one) for one in ENDS] == [1, 0, 0]
    assert (flipped.value("upgrade_success_ratio"), flipped.value("checkpoints")) == (1, 1)
    assert (_phase(flipped), flipped.value("rollback_until_height")) == ("probation", activation + 400)

    node.executor.submit(live_until_it_breaks, world, activation).result(120)
    back = scrape(node.client)
    assert back.labels("runtime_info")[0]["version"] == "1.0.0"
    assert [back.value("upgrades_total", outcome=one) for one in ENDS] == [1, 0, 1]
    assert (_phase(back), back.value("upgrade_success_ratio")) == ("idle", 0)

    failing = edited(example(world), bank=("new.balance == old.balance", "new.balance == old.balance + 1"))
    node.executor.submit(activated, world, failing).result(120)
    failed = scrape(node.client)
    assert [failed.value("upgrades_total", outcome=one) for one in ENDS] == [1, 1, 1]


ENDS = ("executed", "failed", "rolled_back")


def _phase(seen: Scraped) -> str:
    (phase,) = (one["phase"] for one in seen.labels("upgrade_phase") if seen.value("upgrade_phase", **one))
    return phase


def _runtime(world: World) -> dict[str, str]:
    running = world.coordinator().running()
    return {"version": running.version, "code_hash": running.code_hash.hex(), "since": str(running.since)}


def test_safe_mode_and_snapshots_are_seen(node: Node) -> None:
    before = scrape(node.client)
    assert (before.value("safe_mode"), before.value("snapshots")) == (0, 0)
    node.executor.submit(_pause, node.world).result(120)
    node.executor.submit(node.world.application.take_snapshot).result(60)
    after = scrape(node.client)
    assert (after.value("safe_mode"), after.value("snapshots")) == (1, 1)


def _pause(world: World) -> None:
    """By the vote of every operator."""
    args = Propose(title="A pause", content=Content.of(Pause()), window=MaintenanceWindow())
    world.host(world.operators()[0], "governance.propose", args)
    world.must()
    world.block()
    what, _ = proposal_at(world.overlay(), world.last_proposal())
    for operator in world.operators():
        ballot = CastVote(proposal=world.last_proposal(), option="yes", bundle=what.bundle, effect=what.effect)
        world.host(operator, "governance.vote", ballot)
    world.must()
    world.forward(world.height + 10)


def test_codes_that_are_made_up_get_no_series_without_end() -> None:
    metrics = Metrics()
    for number in range(3 * MOST_CODES):
        metrics.refused(f"code_{number}")
    seen = Scraped(metrics.text().decode())
    assert len(seen.labels("transactions_refused_total")) == MOST_CODES + 1
    assert seen.value("transactions_refused_total", code="other") == 2 * MOST_CODES
