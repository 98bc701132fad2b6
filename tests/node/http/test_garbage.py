"""Whatever arrives, the answer is a 4xx problem, and the next request is served."""

import json
import socket
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node.http.problems import MEDIA_TYPE
from tests.node.http.conftest import TOKEN
from tests.node.transactions import transaction

pytestmark = pytest.mark.usefixtures("quiet")

PATHS = [
    "/status", "/metrics", "/transactions", "/transactions/x", "/blocks/latest", "/blocks/7", "/accounts/syn1x",
    "/modules", "/modules/bank/tables/accounts", "/modules/bank/tables/accounts/row", "/modules/bank/queries/echo",
    "/modules/bank/queries/balance", "/governance/proposals", "/governance/proposals/1", "/governance/vote",
    "/upgrade/plan", "/openapi.json", "/", "/*", "/operator/checkpoint", "/operator/halt", "/operator",
]  # fmt: skip
METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT", "FOO", "get"]
KNOWN_HEADERS = [
    "Content-Type", "Content-Length", "Transfer-Encoding", "Expect", "Connection", "Upgrade", "Accept", "Host", "Range",
    "Origin", "Authorization", "X-Forwarded-For", "Content-Encoding",
]  # fmt: skip
KNOWN_VALUES = [
    "application/json", "application/octet-stream", "0", "5", "-1", "99999999999999999999", "chunked", "gzip",
    "100-continue", "Bearer", f"Bearer {TOKEN}", "close", "websocket", "upgrade", "*/*", "a, b", "",
]  # fmt: skip
token = st.text(alphabet="ABCXYZabcdefghijklmnopqrstuvwxyz-!#$%&'*+.^_`|~", min_size=1, max_size=12)
visible = st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f")
headers = st.lists(
    st.tuples(token, st.text(visible, max_size=40))
    | st.tuples(st.sampled_from(KNOWN_HEADERS), st.sampled_from(KNOWN_VALUES)),
    max_size=4,
)
SAFE = "/?&=%+;[]"
junk = st.text(max_size=30).map(lambda text: quote(text, safe=SAFE)) | st.text(SAFE + "abcXYZ019.~-", max_size=30)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
bodies = st.one_of(
    st.binary(max_size=200),
    json_values.map(lambda value: json.dumps(value).encode()),
    json_values.map(lambda value: json.dumps({"transaction": value}).encode()),
    json_values.map(lambda value: json.dumps({"arguments": value}).encode()),
    st.binary(max_size=80).map(lambda raw: json.dumps({"transaction": raw.hex()}).encode()),
)


def exchange(served, request):
    """Send raw bytes, hang up our side, read all that comes back."""
    with socket.create_connection((served.host, served.port), timeout=20) as connection:
        try:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the server has hung up already; what it said is still to be read
        answer = b""
        try:
            while chunk := connection.recv(65536):
                answer += chunk
        except ConnectionResetError:
            pass
    return answer


def last_answer(answer):
    """Status, headers and body of the final response, interim ones passed over."""
    status = 100
    while status < 200:
        head, _, answer = answer.partition(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
    lines = head.split(b"\r\n")[1:]
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
    return status, fields, answer


def judge(served, request, method=""):
    answer = exchange(served, request)
    if not answer:
        return None  # an incomplete request: nothing was asked
    status, fields, body = last_answer(answer)
    assert status < 500, (request, answer)
    if status >= 400:
        assert fields[b"content-type"] == MEDIA_TYPE.encode(), (request, answer)
        if method != "HEAD":
            problem = json.loads(body[: int(fields[b"content-length"])])
            assert problem["status"] == status
            assert problem["code"]
    return status


@st.composite
def requests(draw):
    """A method, and the bytes of a request."""
    method, extra, body = draw(st.sampled_from(METHODS) | token), draw(headers), draw(bodies)
    line = f"{method} {draw(st.sampled_from(PATHS))}{draw(junk)} HTTP/1.1"
    lines = [line, "Host: node", *(f"{name}: {value}" for name, value in extra)]
    if draw(st.booleans()):
        lines += [f"Content-Length: {len(body)}", "Content-Type: application/json"]
    return method, "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(request=requests())
def test_random_requests_are_never_a_5xx(served, request):
    method, raw = request
    judge(served, raw, method)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(request=requests())
def test_random_requests_are_never_a_5xx_of_a_real_node_either(node, request):
    method, raw = request
    judge(node.client.base_url, raw, method)
    assert node.world.height == 0


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(min_size=1, max_size=300))
def test_bytes_that_are_no_http_are_never_a_5xx(served, raw):
    judge(served, raw + b"\r\n\r\n")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=bodies, path=st.sampled_from(["/transactions", "/governance/vote", "/modules/bank/queries/echo"]))
def test_random_bodies_are_a_4xx(client, body, path):
    for media in ("application/json", "application/octet-stream"):
        response = client.post(path, content=body, headers={"content-type": media})
        assert 400 <= response.status_code < 500
        assert response.headers["content-type"] == MEDIA_TYPE


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[" * 100_000,
        b'{"transaction":' * 10_000,
        b'{"transaction": "' + b"ab" * 60_000 + b'"}',
        b'{"transaction": "\\ud800"}',
        b'{"transaction": "abc"}',
        b'{"transaction": ' + b"9" * 100_000 + b"}",
        b'{"transaction": NaN}',
        b'{"transaction": "ab", "transaction": "cd"}',
        b'{"transaction": "ab", "more": 1}',
        "{\"transaction\": \"\u0661\u0662\"}".encode(),
        b'\xff\xfe{\x00}\x00',
        b'{"arguments": {"\\ud800": "\\udfff"}}',
    ],
)
def test_hostile_json_is_a_4xx(client, body):
    for path in ("/transactions", "/governance/vote", "/modules/bank/queries/echo"):
        response = client.post(path, content=body, headers={"content-type": "application/json"})
        assert 400 <= response.status_code < 500, response.text
        assert response.json()["code"]


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ("/nothing", 404, "no_such_path"),
        ("/status/", 404, "no_such_path"),
        ("/blocks/-1", 422, "invalid_request"),
        ("/blocks/1e3", 422, "invalid_request"),
        ("/blocks/99999999999999999999999", 422, "invalid_request"),
        ("/blocks/\u0667", 422, "invalid_request"),
        ("/governance/proposals?limit=1001", 422, "invalid_request"),
        ("/modules/%00/tables/%ff", 404, "no_such_table"),
        ("/modules/bank/tables/accounts?key=%ED%A0%80", 400, "bad_key"),
        ("/modules/bank/tables/accounts/row?key=a&key=b", 400, "bad_key"),
        ("/accounts/%F0%9F%92%A9", 400, "address_invalid"),
        ("/docs", 404, "no_such_path"),
    ],
)
def test_paths_that_lead_nowhere_say_so(client, asked, status, code):
    response = client.get(asked)
    assert (response.status_code, response.json()["code"]) == (status, code)


def test_a_method_that_is_not_there_names_those_that_are(client):
    response = client.delete("/status")
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert response.headers["allow"] == "GET"


def test_a_body_of_another_media_type_is_refused(client):
    response = client.post("/governance/vote", content=b"{}", headers={"content-type": "text/plain"})
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")
    assert client.post("/transactions", content=b"").status_code == 415


def test_a_body_too_large_is_refused_announced_or_not(client, served):
    binary = {"content-type": "application/octet-stream"}
    announced = client.post("/transactions", content=bytes(200_001), headers=binary)
    assert (announced.status_code, announced.json()["code"]) == (413, "too_large")

    def pieces():
        for _ in range(300):
            yield bytes(1000)

    flowing = client.post("/transactions", content=pieces(), headers=binary)
    assert (flowing.status_code, flowing.json()["code"]) == (413, "too_large")


def test_what_is_no_http_gets_a_problem_and_a_closed_connection(served):
    status, fields, body = last_answer(exchange(served, b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n"))
    assert status == 400
    assert fields[b"connection"] == b"close"
    assert json.loads(body)["code"] == "bad_http"


def test_two_lengths_are_no_request(served):
    raw = transaction().raw
    smuggled = b"POST /transactions HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n" + raw
    assert judge(served, smuggled) == 400


def test_malformed_transactions_are_named(client):
    raw = transaction().raw
    for sent, code, status in (
        (raw[:-1], "malformed", 400),
        (raw + b"x", "malformed", 400),
        (b"\x81\xa11\xc4\x01a", "malformed", 400),
        (bytes(50_000), "too_large", 413),
    ):
        response = client.post("/transactions", json={"transaction": sent.hex()})
        assert (response.status_code, response.json()["code"]) == (status, code)
