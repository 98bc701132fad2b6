"""What this machine can do at most: signatures verified on two threads, synced puts."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

from node.verification import Claim, Verifier
from runtime.keys import PrivateKey
from storage.engine import Engine

SIGNATURES = 8_000
PUTS = 1_000


def verifications_per_second() -> float:
    """Ed25519 verifications a second on two threads, in batches."""
    key = PrivateKey.from_seed(b"\x01" * 32)
    messages = [number.to_bytes(200, "big") for number in range(SIGNATURES)]
    claims = [Claim(message[-32:], key.public, message, key.sign(message)) for message in messages]
    with Verifier(remember=1_024) as verifier:
        verifier.check_all(claims[:1000])
        began = perf_counter()
        assert all(verifier.check_all(claims))
        return SIGNATURES / (perf_counter() - began)


def synced_puts_per_second(folder: Path) -> float:
    """LevelDB batches of one row, each synced."""
    engine = Engine.create(folder)
    began = perf_counter()
    for number in range(PUTS):
        engine.write([(number.to_bytes(8, "big"), b"x" * 100)], sync=True)
    took = perf_counter() - began
    engine.close()
    return PUTS / took
