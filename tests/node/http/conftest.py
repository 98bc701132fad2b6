"""A served stand-in, and a client on a real socket."""

import logging

import httpx
import pytest

from node.http.app import create_app
from node.http.operator import operator_routes
from node.http.server import serve
from node.logs import configure_logs
from tests.node.http.standin import StandIn, StandInOperator

TOKEN = "5e" * 32


@pytest.fixture(scope="session")
def served():
    configure_logs("console", "error")
    operator = operator_routes(StandInOperator(), TOKEN)
    with serve(create_app(StandIn(), release="0.1.0", body_bytes=200_000, operator=operator)) as server:
        yield server


class Errors(logging.Handler):
    """Keeps what is logged as an error."""

    def __init__(self):
        super().__init__(logging.ERROR)
        self.said = []

    def emit(self, record):
        self.said.append((record.name, record.getMessage(), record.exc_info))


@pytest.fixture
def quiet():
    """The test fails if anything in the process logs an error meanwhile."""
    errors = Errors()
    logging.getLogger().addHandler(errors)
    yield
    logging.getLogger().removeHandler(errors)
    assert errors.said == []


@pytest.fixture(scope="session")
def client(served):
    with httpx.Client(base_url=served.url, timeout=20, trust_env=False) as client:
        yield client
