"""Settings: exact, documented, and helpful when wrong."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.errors import SettingsInvalid, SettingsMissing
from node.settings import SECTIONS, Difference, differences, documentation, load_settings, parse_settings
from node.settings_source import in_kind

VARIABLES = ["SYNOD_NODE_HTTP_PORT", "SYNOD_UPGRADE_QUORUM_THRESHOLD", "SYNOD_CHAIN_NAME", "SYNOD_NODE_NOTHING"]


def problems(text="", environment=None):
    with pytest.raises(SettingsInvalid) as wrong:
        parse_settings(text, environment or {})
    return [str(problem) for problem in wrong.value.problems]


def test_defaults_are_those_of_the_requirements():  # R1.7
    parameters = parse_settings("", {}).parameters
    assert parameters["timelock_delay"] == 100_800
    assert parameters["max_snapshots"] == 10
    assert parameters["quorum_threshold"] == Fraction(334, 1000)
    assert parameters["approval_threshold"] == Fraction(667, 1000)
    assert parse_settings("", {}).chain.block_interval_ms == 6_000


def test_decimals_are_exact():
    text = "[upgrade]\napproval_threshold = 0.667\nquorum_threshold = 3.34e-1\nbreaking_threshold = '3/4'\n"
    parameters = parse_settings(text, {}).parameters
    assert parameters["approval_threshold"] == Fraction(667, 1000)
    assert parameters["quorum_threshold"] == Fraction(334, 1000)
    assert parameters["breaking_threshold"] == Fraction(3, 4)


def test_a_ratio_stays_a_ratio_when_it_is_whole():
    assert isinstance(in_kind(Fraction, 1), Fraction)
    assert in_kind(int, 1) == 1
    assert not isinstance(in_kind(int, 1), Fraction)


def test_the_documentation_is_a_settings_file_that_states_nothing():
    assert parse_settings(documentation(), {}) == parse_settings("", {})
    assert parse_settings(documentation(), {}).stated == frozenset()


def test_every_documented_default_is_the_default():
    stated = "\n".join(line.removeprefix("# ") if " = " in line else line for line in documentation().splitlines())
    given_all = parse_settings(stated, {})
    silent = parse_settings("", {})
    assert (given_all.node, given_all.chain, given_all.parameters) == (silent.node, silent.chain, silent.parameters)
    assert given_all.stated == given_all.parameters.keys()


def test_every_key_has_a_meaning():
    assert all(field.description for model in SECTIONS.values() for field in model.model_fields.values())


def test_an_unknown_key_names_its_line_and_the_nearest_known_one():
    text = "# comment\n[upgrade]\n\nquorum_treshold = 0.4\n"
    assert problems(text) == [
        "synod.toml:4: upgrade.quorum_treshold: there is no such key; did you mean quorum_threshold?"
    ]


def test_a_key_in_the_wrong_section_is_told_where_it_belongs():
    text = "http_port = 1\n[node]\ntimelock_delay = 5\n"
    assert problems(text) == [
        "synod.toml:1: http_port: there is no such section or key; it belongs in [node]",
        "synod.toml:3: node.timelock_delay: there is no such key; it belongs in [upgrade]",
    ]


def test_every_problem_of_a_file_is_told_at_once():
    text = "[node]\nhttp_port = 70000\nlog_level = 'loud'\nhttp_prt = 1\n[nod]\n[upgrade]\nmin_voters = 0.5\n"
    found = problems(text)
    assert [problem.split(":")[1] for problem in sorted(found)] == ["2", "3", "4", "5", "7"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("http_port = true", "valid integer"),
        ("http_port = 1.0", "valid integer"),
        ("http_port = '1'", "valid integer"),
        ("http_port = [1]", "valid integer"),
        ("http_host = ''", "at least 1"),
        ("blocks = 'sometimes'", "'timer' or 'demand'"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(line, says):
    (problem,) = problems(f"[node]\n{line}\n")
    assert problem.startswith("synod.toml:2: node.")
    assert says in problem


@pytest.mark.parametrize("text", ["inf", "nan", "-inf", "1e9999", "0.4e-400"])
def test_a_number_that_is_no_number_is_refused(text):
    assert "it is not TOML" in problems(f"[upgrade]\nquorum_threshold = {text}\n")[0]


def test_a_value_out_of_bounds_is_refused_with_the_bound():
    (problem,) = problems("[upgrade]\ntimelock_delay = 1\n")
    assert problem == "synod.toml:2: upgrade.timelock_delay: it should be greater than or equal to 10"


def test_broken_toml_names_its_line():
    assert "line 2" in problems("[node]\nhttp_port = \n")[0]


def test_the_environment_wins_over_the_file():
    environment = {"SYNOD_NODE_HTTP_PORT": "9000", "SYNOD_UPGRADE_QUORUM_THRESHOLD": "0.4", "PATH": "/bin"}
    read = parse_settings("[node]\nhttp_port = 1\n", environment)
    assert read.node.http_port == 9000
    assert read.parameters["quorum_threshold"] == Fraction(2, 5)
    assert read.stated == {"quorum_threshold"}


def test_a_wrong_variable_is_named_as_such():
    found = problems("", {"SYNOD_NODE_HTP_PORT": "1", "SYNOD_NODE_LOG_LEVEL": "loud", "SYNOD_NODE_HTTP_PORT": "x"})
    assert found[0] == "environment: SYNOD_NODE_HTP_PORT: there is no such key; did you mean SYNOD_NODE_HTTP_PORT?"
    assert problems("", {"SYNOD_NODE_NOSUCH": "1"}) == ["environment: SYNOD_NODE_NOSUCH: there is no such key"]
    assert {problem.split(": ")[1] for problem in found[1:]} == {"SYNOD_NODE_LOG_LEVEL", "SYNOD_NODE_HTTP_PORT"}


def test_variables_of_others_are_left_alone():
    assert parse_settings("", {"SYNOD_HOME": "/x", "NODE_HTTP_PORT": "1"}) == parse_settings("", {})


def test_what_the_file_states_otherwise_than_the_state_is_shown():
    read = parse_settings("[upgrade]\ntimelock_delay = 200\nprobation = 600\nquorum_threshold = 0.4\n", {})
    state = dict(parse_settings("", {}).parameters) | {"rollback_window": 500}
    found = differences(read, state)
    assert found == (
        Difference("quorum_threshold", Fraction(2, 5), Fraction(334, 1000)),
        Difference("timelock_delay", 200, 100_800),
    )
    assert "the state holds" in str(found[0])


def test_a_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(SettingsMissing, match="synod init"):
        load_settings(tmp_path / "synod.toml", {})


def test_a_file_is_read_and_named(tmp_path):
    path = tmp_path / "synod.toml"
    path.write_text("[node]\nhttp_port = 1\n")
    assert load_settings(path, {}).node.http_port == 1
    path.write_bytes(b"[node]\nhttp_host = '\xff'\n")
    with pytest.raises(SettingsInvalid, match="not UTF-8"):
        load_settings(path, {})


@settings(max_examples=200)
@given(st.one_of(st.text(max_size=200), st.text(alphabet="[]node=.\"'\n upgrade0123456789{},#", max_size=120)))
def test_no_text_breaks_the_reader(text):
    try:
        parse_settings(text, {})
    except SettingsInvalid as wrong:
        assert wrong.problems


@pytest.mark.parametrize("text", ["_", "1__2", "_1", "1_", "1._", "0._5"])
def test_an_underline_that_no_digits_stand_about_is_no_number(text: str) -> None:
    with pytest.raises(SettingsInvalid) as wrong:
        parse_settings("", {"SYNOD_UPGRADE_QUORUM_THRESHOLD": text})
    assert [problem.source for problem in wrong.value.problems] == ["environment"]


@settings(max_examples=100)
@given(st.dictionaries(st.sampled_from(VARIABLES), st.text()))
def test_no_variable_breaks_the_reader(environment):
    try:
        parse_settings("", environment)
    except SettingsInvalid as wrong:
        assert {problem.source for problem in wrong.problems} == {"environment"}
