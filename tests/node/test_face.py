"""The face of a real chain, asked over a real socket."""

from governance.calls import CastVote
from node.rehearsal import upgrade
from node.rehearsal.world import HOST
from runtime.address import address_text
from storage.proofs import Proof, verify
from tests.node.http.openapi import faults
from tests.scenarios.hostile import with_trouble
from tests.scenarios.upgrades import activated, example, rolled_back, running


def test_a_transaction_goes_from_the_socket_into_a_block(node):
    raw = node.send(coins=5)
    sender = node.world.accounts()[0]
    submitted = node.post("/transactions", raw)
    assert submitted.status_code == 202, submitted.text
    txid = submitted.json()["id"]
    waiting = node.get(f"/transactions/{txid}")
    assert (waiting["state"], waiting["raw"]) == ("waiting", raw.hex())
    account = node.get(f"/accounts/{address_text(sender)}")
    assert (account["nonce"], account["next_nonce"]) == ("0", "1")
    assert node.post("/transactions", raw).json()["code"] == "already_known"
    node.block()
    done = node.get(f"/transactions/{txid}")
    assert (done["state"], done["height"], done["place"], done["raw"]) == ("executed", 1, 0, raw.hex())
    assert [receipt["code"] for receipt in done["receipts"]] == ["ok"]
    assert done["body"]["sender"] == address_text(sender)
    assert node.get("/blocks/1")["transactions"] == [txid]
    after = node.get(f"/accounts/{address_text(sender)}")
    assert after["nonce"] == "1"
    assert int(after["balance"]) == int(account["balance"]) - 15
    assert node.post("/transactions", raw).json()["code"] == "nonce_used"


def test_a_signature_is_verified_once_from_arrival_to_block(node):
    for place in range(8):
        assert node.post("/transactions", node.send(place)).status_code == 202
    node.block()
    assert node.world.application.verifier.verified == 8


def test_a_forged_transaction_changes_nothing(node):
    raw = bytearray(node.send())
    raw[-1] ^= 1
    refused = node.post("/transactions", bytes(raw))
    assert (refused.status_code, refused.json()["code"]) == (422, "bad_signature")
    assert node.get("/status")["mempool_transactions"] == 0


def test_a_failed_transaction_says_why(node):
    raw = node.send(coins=10**40)
    txid = node.post("/transactions", raw).json()["id"]
    node.block()
    failed = node.get(f"/transactions/{txid}")
    assert (failed["state"], failed["reason"]) == ("failed", "insufficient_funds")
    assert failed["receipts"][0]["file"] == "bank.py"


def test_status_tells_the_committed_head(node):
    node.block()
    status, head = node.get("/status"), node.world.application.state.head
    assert status["height"] == 1
    assert (status["app_root"], status["runtime_root"]) == (head.app_root.hex(), head.runtime_root.hex())
    assert status["driver"] == "solo: 1 machine, 4 signatures"
    assert status["block_id"] == node.get("/blocks/latest")["id"]
    assert node.get("/health")["healthy"] is True


def test_blocks_that_do_not_exist_are_named(node):
    node.block()
    assert node.get("/blocks/0")["code"] == "no_such_block"
    assert node.get("/blocks/2")["code"] == "no_such_block"


def test_every_listed_table_can_be_read_and_every_page_followed(node):
    modules = node.get("/modules")["modules"]
    names = {module["name"] for module in modules}
    assert {"bank", "staking", "treasury", "faucet", "governance", "host", "upgrade"} <= names
    for module in modules:
        for table in module["tables"]:
            path = f"/modules/{module['name']}/tables/{table['name']}"
            whole = node.get(path)
            faulty = [faults(node.document, table["value"], row["value"]) for row in whole["rows"]]
            assert not any(faulty), faulty
            assert all([part["name"] for part in table["key"]] == list(row["key"]) for row in whole["rows"])
            paged, after = [], ""
            while after is not None and len(paged) < 30:
                page = node.client.get(path, params={"limit": 7, "after": after}).json()
                paged += page["rows"]
                after = page["next"]
            assert paged == whole["rows"][: len(paged)], table["id"]
            assert after is not None or len(paged) == len(whole["rows"])


def test_the_rows_of_a_key_prefix_are_a_page_of_their_own(node):
    rows = node.get("/modules/staking/tables/delegations")["rows"]
    owner = rows[0]["key"]["owner"]
    mine = node.get("/modules/staking/tables/delegations", key=owner)["rows"]
    assert mine == [row for row in rows if row["key"]["owner"] == owner]
    other = next(row["key"]["owner"] for row in rows if row["key"]["owner"] != owner)
    cursor = node.client.get("/modules/staking/tables/delegations", params={"limit": 1}).json()["next"]
    assert node.get("/modules/staking/tables/delegations", key=other, after=cursor)["code"] == "bad_cursor"


def test_a_row_is_proven_present_and_absent(node):
    node.block()
    table = node.world.application.chain.loaded.tables["bank.accounts"]
    owner = node.world.accounts()[0]
    for address, is_there in ((owner, True), (b"\x07" * 20, False)):
        answer = node.get("/modules/bank/tables/accounts/row", key=address_text(address), proof="true")
        value = verify(Proof.from_json(answer["proof"]), bytes.fromhex(answer["app_root"]))
        assert (value is not None) is is_there
        assert (answer["row"]["value"] is not None) is is_there
        if value is not None:
            assert str(table.codec.decode(value).balance) == answer["row"]["value"]["balance"]


def test_a_host_row_is_proven_too(node):
    answer = node.get("/modules/upgrade/tables/running/row", proof="true")
    assert verify(Proof.from_json(answer["proof"]), bytes.fromhex(answer["app_root"])) is not None
    assert answer["row"]["value"]["version"] == node.get("/status")["runtime"]["version"]


def test_every_query_can_be_asked_and_a_wrong_one_says_so(node):
    owner = address_text(node.world.accounts()[0])
    balance = node.get("/modules/bank/queries/balance", owner=owner)["result"]
    assert balance == node.get(f"/accounts/{owner}")["balance"]
    sent = node.client.post("/modules/bank/queries/balance", json={"arguments": {"owner": owner}}).json()
    assert sent["result"] == balance
    assert node.get("/modules/treasury/queries/pool")["result"].isdigit()
    assert node.get("/modules/bank/queries/balance")["code"] == "bad_arguments"
    assert node.get("/modules/bank/queries/nothing")["code"] == "no_such_query"


def test_parameters_are_shown_exactly_with_their_bounds(node):
    shown = {one["name"]: one for one in node.get("/parameters")["parameters"]}
    assert shown["approval_threshold"]["value"] == "667/1000"
    assert shown["timelock_delay"]["value"] == "10"
    assert shown["timelock_delay"]["default"] == "100800"


def test_an_upgrade_is_followed_from_proposal_to_history_and_its_new_parts_are_there_at_once(node):  # R5.9
    before = {one["name"] for one in node.get("/modules")["modules"]}
    bundle = example(node.world)
    voted = node.executor.submit(activated, node.world, bundle).result(120)
    shown = node.get(f"/governance/proposals/{voted.proposal}")
    assert shown["standing"]["status"] == "executed"
    assert shown["proposal"]["bundle"] == bundle.code_hash.hex()
    assert shown["proposal"]["content"]["name"] == "runtime_upgrade"
    assert len(shown["history"]) >= 4
    listed = node.get("/governance/proposals", status="executed")["proposals"]
    assert [one["id"] for one in listed] == [voted.proposal]
    assert node.get("/governance/proposals", status="voting")["proposals"] == []
    plan = node.get("/upgrade/plan")
    assert (plan["running"]["code_hash"], plan["pending"]) == (bundle.code_hash.hex(), None)
    assert plan["rollback_until"] > node.get("/status")["height"]
    entries = node.get("/upgrade/history")["entries"]
    assert "executed" in [entry["entry"]["kind"] for entry in entries]
    listing = node.get("/modules")
    entered = [one["registered"] for one in listing["modules"] if one["half"] == "runtime"]
    assert {(entry["version"], entry["proposal"]) for entry in entered} == {("2.0.0", str(voted.proposal))}  # R2.2
    fresh = {one["name"] for one in listing["modules"]} - before
    assert fresh
    for module in listing["modules"]:
        if module["name"] in fresh:
            assert module["tables"] and module["queries"] and module["calls"]
            for table in module["tables"]:
                assert node.get(f"/modules/{module['name']}/tables/{table['name']}")["rows"] == []


def test_a_replayed_height_shows_what_became_of_transactions_and_hooks_both_times(node):
    world, run = node.world, node.executor.submit
    bundle = with_trouble(running(world), "1.1.0", end_block="raise Refused('sulks')")
    run(activated, world, bundle).result(120)
    node.post("/transactions", node.send())
    node.block()
    height = node.get("/status")["height"]
    assert node.get(f"/blocks/{height}")["second_receipts"] == []
    run(rolled_back, world).result(120)
    shown = node.get(f"/blocks/{height}")
    assert [one["code"] for one in shown["receipts"]] == ["ok", "sulks"]
    assert [one["code"] for one in shown["second_receipts"]] == ["ok", "failed_before"]
    assert [one["item"] for one in shown["second_receipts"]] == [one["item"] for one in shown["receipts"]]


def test_votes_come_in_by_their_own_door_and_count(node):
    bundle = example(node.world)
    voted = node.executor.submit(upgrade.propose, node.world, bundle, "An upgrade").result(60)
    shown = node.get(f"/governance/proposals/{voted.proposal}")
    effect = bytes.fromhex(shown["proposal"]["effect"])
    while shown["standing"]["status"] != "voting":
        node.block()
        shown = node.get(f"/governance/proposals/{voted.proposal}")
    args = CastVote(proposal=voted.proposal, option="yes", bundle=bundle.code_hash, effect=effect)
    voter, stranger = node.world.operators()[0], node.world.accounts()[0]
    ids = []
    for sender in (voter, stranger):
        posted = node.post("/governance/vote", node.world.wallet(sender).host(HOST["governance.vote"], args))
        assert posted.status_code == 202, posted.text
        ids.append(posted.json()["id"])
    node.block()
    assert [node.get(f"/transactions/{one}")["state"] for one in ids] == ["executed", "failed"]
    tally = node.get(f"/governance/proposals/{voted.proposal}")["standing"]["tally"]
    assert (int(tally["yes"]) > 0, tally["voters"]) == (True, "1")


def test_those_who_may_vote_are_told_page_by_page_and_one_by_one(node):
    for kind, amount in (("validators", "power"), ("delegators", "delegated")):
        whole = node.get("/governance/electorate", kind=kind)
        assert whole["next"] is None and len(whole["electors"]) > 1
        assert all(int(one[amount]) > 0 for one in whole["electors"])
        met, after = [], ""
        while after is not None:
            page = node.get("/governance/electorate", kind=kind, limit=1, after=after)
            met, after = [*met, *page["electors"]], page["next"]
        assert met == whole["electors"]
        one = met[-1]
        assert node.get(f"/governance/electorate/{one['address']}") == one
    validators = node.get("/governance/electorate")
    assert sum(int(one["power"]) for one in validators["electors"]) == int(validators["power"])


def test_an_electorate_is_told_as_long_as_a_vote_counts_by_it(node):
    assert node.get("/governance/electorate", proposal=1)["code"] == "no_such_proposal"
    voted = node.executor.submit(upgrade.propose, node.world, example(node.world), "An upgrade").result(60)
    assert node.get("/governance/electorate", proposal=voted.proposal)["code"] == "electorate_not_kept"
    while (standing := node.get(f"/governance/proposals/{voted.proposal}")["standing"])["status"] != "voting":
        node.block()
    node.block()
    assert node.get("/governance/electorate", proposal=voted.proposal)["height"] == int(standing["snapshot"])


def test_a_receipt_proves_a_vote_or_its_absence_and_the_count_against_one_root(node):
    voted = node.executor.submit(upgrade.propose, node.world, example(node.world), "An upgrade").result(60)
    voter, stranger = (address_text(one) for one in (node.world.operators()[0], node.world.accounts()[-1]))
    while node.get(f"/governance/proposals/{voted.proposal}")["standing"]["status"] != "voting":
        node.block()
    what = node.get(f"/governance/proposals/{voted.proposal}")["proposal"]
    named = {"bundle": bytes.fromhex(what["bundle"]), "effect": bytes.fromhex(what["effect"])}
    args = CastVote(proposal=voted.proposal, option="yes", **named)
    node.post("/governance/vote", node.world.wallet(node.world.operators()[0]).host(HOST["governance.vote"], args))
    node.block()
    for who, there in ((voter, True), (stranger, False)):
        receipt = node.get(f"/governance/proposals/{voted.proposal}/votes/{who}")
        root = bytes.fromhex(receipt["app_root"])
        assert (verify(Proof.from_json(receipt["vote"]["proof"]), root) is not None) is there
        assert verify(Proof.from_json(receipt["standing"]["proof"]), root) is not None
        assert receipt["standing"]["row"]["value"]["tally"]["voters"] == "1"
    assert node.get(f"/governance/proposals/99/votes/{voter}")["code"] == "no_such_proposal"


def test_what_is_no_vote_is_not_taken_where_votes_are(node):
    other = node.post("/governance/vote", node.send())
    assert (other.status_code, other.json()["code"]) == (400, "wrong_call")


def test_a_draining_node_answers_reads_and_takes_nothing(node):
    node.condition.state = "draining"
    assert node.client.get("/readiness").json() == {"ready": False, "reason": "draining"}
    assert node.post("/transactions", node.send()).status_code == 503
    assert node.get("/status")["state"] == "draining"


def test_a_node_that_makes_no_more_blocks_is_unhealthy_and_says_why(node):
    node.condition.failure = "disk_full"
    health = node.client.get("/health")
    assert (health.status_code, health.json()["parts"][0]["detail"]) == (503, "disk_full")
    assert node.client.get("/readiness").status_code == 503
