"""The operator's routes: closed without the token, whatever else a request is, and named in no public document."""

import pytest

from node.http.problems import MEDIA_TYPE
from tests.node.http.conftest import TOKEN
from tests.node.http.standin import HASH

KEY = {"authorization": f"Bearer {TOKEN}"}
WRONG = [
    None,
    "",
    TOKEN,
    "Bearer",
    f"bearer {TOKEN}",
    f"Bearer {TOKEN[:-1]}",
    f"Bearer {TOKEN}5",
    f"Bearer  {TOKEN}",
    f"Bearer {TOKEN.upper()}",
    f"Basic {TOKEN}",
    "Bearer \xe9\xff",
]


@pytest.mark.parametrize("shown", WRONG)
@pytest.mark.parametrize("path", ["/operator/checkpoint", "/operator/halt"])
def test_without_the_token_nothing_is_done_and_nothing_is_looked_at(client, path, shown):
    headers = [] if shown is None else [(b"authorization", shown.encode("latin-1"))]
    for body in (b'{"reason": "mine"}', b"{"):
        refused = client.post(path, content=body, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
        assert refused.headers["www-authenticate"] == "Bearer"
        assert refused.headers["content-type"] == MEDIA_TYPE
        assert TOKEN not in refused.text


def test_with_the_token_the_node_is_asked(client):
    made = client.post("/operator/checkpoint", json={"reason": "mine"}, headers=KEY)
    assert (made.status_code, made.json()) == (200, {"name": "mine", "height": 7, "app_root": HASH})
    halted = client.post("/operator/halt", headers=KEY)
    assert (halted.status_code, halted.json()) == (202, {"state": "stopping"})


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"reason": 7}', b'{"reason": "' + b"x" * 1001 + b'"}'])
def test_a_request_with_the_token_that_makes_no_sense_is_a_4xx(client, body):
    refused = client.post("/operator/checkpoint", content=body, headers={**KEY, "content-type": "application/json"})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    assert client.post("/operator/checkpoint", content=body, headers=KEY).status_code == 415
    assert client.get("/operator/checkpoint", headers=KEY).status_code == 405


def test_no_public_document_names_them(client):
    assert "operator" not in client.get("/openapi.json").text
