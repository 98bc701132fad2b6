"""`synod verify`: a running deployment against its own chain's history."""

import json
from pathlib import Path

from tests.scripts.conftest import Said


def test_every_module_answers_and_every_invariant_is_looked_at(said: Said, live: Path) -> None:
    code, found = said("verify", "--home", str(live))
    checks = {one["check"]: one["passed"] for one in found["checks"]}
    assert (code, found["passed"]) == (0, True)
    for module in ("bank", "staking", "treasury", "faucet"):
        assert checks[f"health of {module}"] is True
        assert f"call of {module}" in checks
    assert checks["node"] is checks["invariants"] is checks["manifest"] is True


def test_a_manifest_that_names_another_runtime_fails_the_check(said: Said, live: Path) -> None:
    assert said("verify", "--home", str(live))[0] == 0
    file = live / "migration_manifest.json"
    kept = file.read_text()
    document = json.loads(kept)
    document["running"]["version"] = "7.7.7"
    try:
        file.write_text(json.dumps(document))
        code, found = said("verify", "--home", str(live))
    finally:
        file.write_text(kept)
    assert code == 1
    assert [one["check"] for one in found["checks"] if one["passed"] is False] == ["manifest"]
