"""Real genesis files lie beside the checkout, in ../shared/data, or where SYNOD_GENESIS_DATA says."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from node.genesis.document import Genesis
from node.genesis.reading import read_genesis

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[2]


@pytest.fixture(scope="session")
def hub_file() -> Path:
    """The Cosmos Hub's genesis of April 2019."""
    folder = Path(os.environ.get("SYNOD_GENESIS_DATA") or CHECKOUT.parent / "shared" / "data")
    path = folder / "cosmoshub-2-genesis.json"
    if not path.is_file():
        pytest.skip(f"{path} is absent: set SYNOD_GENESIS_DATA to the folder of the Hub's genesis file")
    return path


@pytest.fixture(scope="session")
def hub(hub_file: Path) -> Genesis:
    return read_genesis(hub_file.read_bytes(), "1")


@pytest.fixture
def theta() -> dict[str, Any]:
    """A small chain in the layout of SDK 0.47, as parsed JSON to edit."""
    document: dict[str, Any] = json.loads((HERE / "theta-1.json").read_text())
    return document
