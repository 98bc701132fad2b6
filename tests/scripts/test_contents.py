"""What a proposal would do and says, as whoever votes reads it."""

from pathlib import Path
from typing import Any

import pytest

from scripts.cli import synod
from scripts.command import outcome
from scripts.console import columns
from scripts.contents import content_rows
from scripts.proposing import proposal_text, said_text
from tests.scripts.conftest import Said
from tests.scripts.test_propose import FROM

QUORUM = {"name": "quorum_threshold", "number": "2", "per": "5"}
PERIOD = {"name": "voting_period", "number": "700", "per": "0"}
PARAMETERS = {"name": "parameter_change", "value": {"values": [QUORUM, PERIOD]}}
SPEND = {"name": "treasury_spend", "value": {"recipient": "syn1x", "amount": "7"}}
SMALL = {"name": "small", "row": {"delay": "", "quorum": ">= 2/5", "limit": "5"}, "remove": False}
OLD = {"name": "old", "row": {}, "remove": True}
ROUTE = {"kind": "text", "tracks": ["opinion", "small"]}


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (PARAMETERS, [("quorum_threshold", "2/5"), ("voting_period", "700")]),
        (SPEND, [("recipient", "syn1x"), ("amount", "7")]),
        ({"name": "tracks", "value": {"tracks": [SMALL, OLD], "routes": [ROUTE]}},
         [("track small", "quorum >= 2/5, limit 5, the rest as usual"), ("track old", "is taken away"),
          ("text", "takes opinion, small")]),
        ({"name": "batch", "value": {"messages": [PARAMETERS, SPEND]}},
         [("1. parameter_change", "quorum_threshold 2/5; voting_period 700"),
          ("2. treasury_spend", "recipient syn1x; amount 7")]),
        ({"name": "text", "value": {}}, []),
    ],
    ids=("parameters", "spend", "tracks", "batch", "text"),
)  # fmt: skip
def test_a_content_reads_as_it_is_typed(content: dict[str, Any], rows: list[tuple[str, str]]) -> None:
    assert list(content_rows(content)) == rows


def test_what_others_wrote_cannot_look_like_a_line_of_the_answer_or_steer_a_terminal() -> None:
    shown = columns([("title", "Meet\nstatus  executed\x1b[2J\u202e"), ("status", "voting")])
    assert shown == "title   Meet\\nstatus  executed\\x1b[2J\\u202e\nstatus  voting"
    words = {"description": "one\n\x1b[31mtwo — ünï\u3000🎉", "risk_areas": ["coins\n"], "links": []}
    said = said_text({**words, "window": {"opens": "5", "closes": "9"}})
    assert said.splitlines() == [
        "  one", "  \\x1b[31mtwo — ünï\u3000🎉", "  risk_areas: coins\\n", "  operators at hand from height 5 to 9",
    ]  # fmt: skip


def test_a_draft_says_what_its_deposit_lacks_and_how_to_add_it(
    said: Said, live: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ("--home", str(live))
    title = "Meet\non Sunday"
    code, sent = said("propose", "text", title, "--description", "At noon.", "--deposit", "300", *FROM, *home)
    found = sent["proposal"]
    number, whole = str(found["id"]), int(found["proposal"]["track"]["deposit"])
    adds = f"synod call governance.deposit proposal={number} amount={whole - 300}"
    text = proposal_text(found, 1)
    assert code == 0 and adds in text and f"300 of {whole:,} units" in text and "Meet\\non Sunday" in text
    capsys.readouterr()
    assert outcome(synod, ["propose", "show", number, *home], "synod") == 0
    assert "\n  At noon.\n" in capsys.readouterr().out
    assert said(*adds.split()[1:], *FROM, *home)[0] == 0
    assert "deposit  " not in proposal_text(said("propose", "show", number, *home)[1], 1)
