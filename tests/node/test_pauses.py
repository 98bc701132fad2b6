"""What a home's manifest tells of measured pauses, whatever stands in it."""

import json
from pathlib import Path

import pytest

from node.pauses import Pause, pauses_told, to_tell
from storage.durable import write_document
from storage.home import Home

ONE = Pause(7, 1_000, 2_000, 3_000)


def test_pauses_are_told_as_they_were_measured(tmp_path: Path) -> None:
    home = Home(tmp_path)
    write_document(home.manifest_file, {"pauses": to_tell([ONE, Pause(9, 1, 1, 1)], {7})})
    assert (pauses_told(home), ONE.microseconds) == ({7: ONE}, 6_000)


ENDLESS = json.dumps({"pauses": to_tell([ONE], {7})}).replace("1000", "1e999", 1)


@pytest.mark.parametrize(
    "told", ["", "[]", "7", '{"pauses": 7}', '{"pauses": [{"height": 7}]}', ENDLESS, "[" * 100_000]
)
def test_a_damaged_manifest_tells_none(tmp_path: Path, told: str) -> None:
    home = Home(tmp_path)
    home.manifest_file.write_text(told)
    assert pauses_told(home) == {}
