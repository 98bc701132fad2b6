"""Logs: one event a line, no secret in it."""

import io
import json
import logging

import pytest

from node.logs import configure_logs, logger


@pytest.fixture
def stream():
    text = io.StringIO()
    yield text
    configure_logs("console", "error")


def events(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_json_object_with_its_fields(stream):
    configure_logs("json", "info", stream)
    logger("node.blocks", chain="synod-1").info("block_committed", height=7, root=b"\x01\x02")
    (event,) = events(stream)
    assert event.pop("timestamp").endswith("Z")
    assert event == {
        "event": "block_committed",
        "level": "info",
        "logger": "node.blocks",
        "chain": "synod-1",
        "height": 7,
        "root": "0102",
    }


def test_what_libraries_say_comes_out_alike(stream):
    configure_logs("json", "info", stream)
    logging.getLogger("somebody").warning("said %s", "this")
    assert events(stream)[0] | {"timestamp": ""} == {
        "event": "said this", "level": "warning", "logger": "somebody", "timestamp": ""
    }


def test_events_below_the_level_are_left_out(stream):
    configure_logs("json", "warning", stream)
    logger("node").info("quiet")
    logger("node").warning("loud")
    assert [event["event"] for event in events(stream)] == ["loud"]


def test_fields_that_sound_like_secrets_are_blanked(stream):
    configure_logs("json", "info", stream)
    logger("node").info("opened", password="hunter2", private_key=b"\x01", operator_token="abc")
    assert "hunter2" not in stream.getvalue()
    assert {events(stream)[0][name] for name in ("password", "private_key", "operator_token")} == {"(blanked)"}


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_shows_no_local_variables(stream, form):
    configure_logs(form, "info", stream)
    seed = "do-not-show"
    try:
        raise ValueError(len(seed))
    except ValueError:
        logger("node").exception("failed")
    assert "ValueError" in stream.getvalue()
    assert "do-not-show" not in stream.getvalue().replace('seed = "do-not-show"', "")


def test_setting_up_twice_says_everything_once(stream):
    configure_logs("json", "info", stream)
    configure_logs("json", "info", stream)
    logger("node").info("once")
    assert len(events(stream)) == 1
