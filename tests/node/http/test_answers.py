"""What the face answers, asked over a real socket and judged by its own OpenAPI document."""

import pytest

from runtime.address import address_text
from tests.node.http.openapi import declared_schema, faults
from tests.node.http.standin import HASH, LARGE, OWNER
from tests.node.transactions import transaction

ADDRESS = address_text(OWNER)
ASKED = [
    ("/status", "/status"),
    ("/health", "/health"),
    ("/health/chain", "/health/chain"),
    ("/readiness", "/readiness"),
    ("/metrics", "/metrics"),
    ("/blocks/latest", "/blocks/latest"),
    ("/blocks/{height}", "/blocks/7"),
    ("/blocks/{height}", "/blocks/8"),
    ("/blocks/{height}", "/blocks/seven"),
    ("/accounts/{address}", f"/accounts/{ADDRESS}"),
    ("/accounts/{address}", "/accounts/nobody"),
    ("/transactions/{transaction_id}", f"/transactions/{HASH}"),
    ("/transactions/{transaction_id}", "/transactions/short"),
    ("/parameters", "/parameters"),
    ("/modules", "/modules"),
    ("/modules/{module}/tables/{table}", "/modules/bank/tables/accounts"),
    ("/modules/{module}/tables/{table}", f"/modules/bank/tables/accounts?key={ADDRESS}&limit=1"),
    ("/modules/{module}/tables/{table}", "/modules/bank/tables/accounts?limit=0"),
    ("/modules/{module}/tables/{table}", "/modules/bank/tables/accounts?after=zz"),
    ("/modules/{module}/tables/{table}", "/modules/bank/tables/nothing"),
    ("/modules/{module}/tables/{table}/row", f"/modules/bank/tables/accounts/row?key={ADDRESS}&proof=true"),
    ("/modules/{module}/tables/{table}/row", "/modules/bank/tables/accounts/row"),
    ("/modules/{module}/queries/{query}", f"/modules/bank/queries/echo?to={ADDRESS}&coins=5"),
    ("/modules/{module}/queries/{query}", "/modules/bank/queries/echo?coins=-5"),
    ("/governance/tracks", "/governance/tracks"),
    ("/governance/proposals", "/governance/proposals?status=voting"),
    ("/governance/proposals/{proposal_id}", "/governance/proposals/1"),
    ("/governance/proposals/{proposal_id}", "/governance/proposals/2"),
    ("/governance/proposals/{proposal_id}/votes/{voter}", f"/governance/proposals/1/votes/{ADDRESS}"),
    ("/governance/proposals/{proposal_id}/votes/{voter}", "/governance/proposals/1/votes/nobody"),
    ("/governance/proposals/{proposal_id}/tally", "/governance/proposals/1/tally?if=quorum%3D1/2&coalition=true"),
    ("/governance/proposals/{proposal_id}/tally", "/governance/proposals/1/tally?if=colour%3Dred"),
    ("/governance/proposals/{proposal_id}/shares", "/governance/proposals/1/shares?limit=3"),
    ("/governance/proposals/{proposal_id}/shares", "/governance/proposals/1/shares?kind=inheriting"),
    ("/governance/electorate", "/governance/electorate?kind=delegators&limit=1"),
    ("/governance/electorate", "/governance/electorate?kind=everybody"),
    ("/governance/electorate/{address}", f"/governance/electorate/{ADDRESS}?proposal=1"),
    ("/governance/electorate/{address}", f"/governance/electorate/{ADDRESS}?proposal=2"),
    ("/upgrade/plan", "/upgrade/plan"),
    ("/upgrade/history", "/upgrade/history?before=100"),
]


@pytest.fixture(scope="module")
def document(client):
    return client.get("/openapi.json").json()


@pytest.mark.parametrize(("path", "asked"), ASKED)
def test_every_answer_is_what_the_document_says(client, document, path, asked):
    response = client.get(asked)
    schema = declared_schema(document, path, "GET", response)
    assert isinstance(schema, dict), schema
    is_text = response.headers["content-type"].startswith("text/plain")
    assert faults(document, schema, response.text if is_text else response.json()) == []


def test_every_path_of_the_document_is_asked_here(document):
    gets = {path for path, operations in document["paths"].items() if "get" in operations}
    assert gets == {path for path, _ in ASKED}
    posts = {path for path, operations in document["paths"].items() if "post" in operations}
    assert posts == {"/transactions", "/governance/vote", "/modules/{module}/queries/{query}"}


def test_operators_actions_are_not_on_the_public_surface(document):
    words = ("halt", "drain", "checkpoint", "restore", "shutdown", "stop", "admin", "operator")
    assert not [path for path in document["paths"] if any(word in path for word in words)]


def test_amounts_are_decimal_strings_that_keep_every_digit(client):
    row = client.get(f"/modules/bank/tables/accounts/row?key={ADDRESS}").json()
    assert row["row"]["value"]["balance"] == str(LARGE)
    assert client.get("/blocks/7").json()["receipts"][0]["fee"] == str(LARGE)
    tally = client.get("/governance/proposals/1").json()["standing"]["tally"]
    assert tally["yes"] == str(LARGE)


def test_a_missing_row_is_an_answer(client):
    absent = address_text(b"\x01" * 20)
    row = client.get(f"/modules/bank/tables/accounts/row?key={absent}&proof=true").json()
    assert row["row"] == {"key": {"owner": absent}, "value": None}
    assert row["proof"] == {"table": "bank.accounts"}


def test_a_transaction_is_taken_as_bytes_and_as_hex(client, document):
    one, other = transaction("bytes"), transaction("hex")
    raw = client.post("/transactions", content=one.raw, headers={"content-type": "application/octet-stream"})
    hexed = client.post("/transactions", json={"transaction": other.raw.hex()})
    for response, sent in ((raw, one), (hexed, other)):
        assert (response.status_code, response.json()) == (202, {"id": sent.id.hex(), "state": "waiting"})
        assert faults(document, declared_schema(document, "/transactions", "POST", response), response.json()) == []
        assert client.get(f"/transactions/{sent.id.hex()}").json()["state"] == "waiting"


def test_a_refused_transaction_says_why(client):
    again = transaction("again")
    assert client.post("/transactions", json={"transaction": again.raw.hex()}).status_code == 202
    refused = client.post("/transactions", json={"transaction": again.raw.hex()})
    assert (refused.status_code, refused.json()["code"]) == (409, "already_known")
    used = client.post("/transactions", json={"transaction": transaction("again", nonce=1).raw.hex()})
    assert (used.status_code, used.json()["code"]) == (422, "nonce_used")


def test_a_vote_is_submitted_where_votes_are_and_nothing_else_is(client):
    for name in ("vote", "vote_for", "relay_vote"):
        vote = transaction("voter", call=("governance", name))
        assert client.post("/governance/vote", json={"transaction": vote.raw.hex()}).json()["id"] == vote.id.hex()
    other = client.post("/governance/vote", json={"transaction": transaction("voter").raw.hex()})
    assert (other.status_code, other.json()["code"]) == (400, "wrong_call")


def test_a_query_takes_arguments_from_the_path_and_from_json(client):
    large = str(2**200)
    assert client.get(f"/modules/bank/queries/echo?to={ADDRESS}&coins={large}").json()["result"] == large
    sent = client.post("/modules/bank/queries/echo", json={"arguments": {"to": ADDRESS, "coins": large}})
    assert sent.json()["result"] == large


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "lacks to"),
        ({"to": ADDRESS, "coin": "1"}, "has no 'coin'; it has to, coins"),
        ({"to": "syn1x"}, "is no address"),
        ({"to": ADDRESS, "coins": "1.5"}, "decimal string"),
        ({"to": ADDRESS, "coins": 1.5}, "decimal string"),
        ({"to": ADDRESS, "coins": str(2**256)}, "below 2**256"),
        ({"to": [ADDRESS]}, "begins with syn1"),
    ],
)
def test_wrong_arguments_are_named(client, arguments, says):
    refused = client.post("/modules/bank/queries/echo", json={"arguments": arguments})
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_arguments")
    assert says in refused.json()["detail"]
