"""A served chain for tests of the face."""

import pytest

from tests.node.served import serving
from tests.short_periods import short_genesis


@pytest.fixture
def node(tmp_path):
    with serving(tmp_path / "chain", short_genesis()) as made:
        yield made
