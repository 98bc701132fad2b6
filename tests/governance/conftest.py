"""Worlds for tests: chains at genesis, each with an overlay of its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.governance.world import World


@pytest.fixture
def make_world() -> Callable[..., World]:
    """Makes worlds with the powers and parameters a test asks for."""
    return World


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """Four voters of 100 units each; see SMALL for its short periods."""
    return make_world()
