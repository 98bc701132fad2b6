"""The manifest is exact: every key is known, every value in bounds, every problem named with its line."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.bundle.exacttoml import MAX_PROBLEMS
from runtime.bundle.manifest import Manifest, ModuleEntry, PursePort, parse_manifest
from runtime.bundle.problems import BundleRefused
from runtime.version import RuntimeVersion

SOUND = """\
[bundle]
name = "core"
chain = "synod-local"
version = "1.2.3"
host = "0.1.0"
notes = "First."
supply_change = -5

[[module]]
name = "bank"
source = "bank.py"
schema = 3

[[module]]
name = "faucet"
source = "faucet.py"
needs = ["bank"]
uses = ["bank.give"]

[renames]
"bank.purses" = "bank.accounts"

[ports.purse]
table = "bank.accounts"
field = "balance"
"""


def problems_of(text: str) -> list[tuple[str, int]]:
    with pytest.raises(BundleRefused) as refused:
        parse_manifest(text.encode())
    return [(problem.code, problem.line) for problem in refused.value.problems]


def test_a_sound_manifest_is_read_exactly() -> None:
    manifest = parse_manifest(SOUND.encode())
    assert manifest == Manifest(
        name="core",
        chain="synod-local",
        version=RuntimeVersion(1, 2, 3),
        host=RuntimeVersion(0, 1, 0),
        notes="First.",
        supply_change=-5,
        modules=(
            ModuleEntry("bank", "bank.py", 3, (), ()),
            ModuleEntry("faucet", "faucet.py", 1, ("bank",), ("bank.give",)),
        ),
        renames=(("bank.purses", "bank.accounts"),),
        ports=manifest.ports,
    )
    assert manifest.ports.purse == PursePort("bank.accounts", "balance")
    assert manifest.ports.validators is None


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ('version = "1.2.3"', "", "missing_key", 0),
        ('version = "1.2.3"', 'version = "1.2"', "wrong_value", 4),
        ('version = "1.2.3"', "version = 1.2", "not_toml", 0),
        ('version = "1.2.3"', "version = 12", "wrong_value", 4),
        ('version = "1.2.3"', f"version = 0x{'f' * 5000}", "too_long", 4),
        ('version = "1.2.3"', f"version = 0x{'f' * 100}", "wrong_value", 4),
        ('version = "1.2.3"', f"version{'.a' * 2000} = 1", "too_nested", 0),
        ('version = "1.2.3"', f"version{'.a' * 60} = 1", "wrong_value", 0),
        ('version = "1.2.3"', 'x="""a"""", ' + "a." * 100 + 'b = 1, y = "z"', "too_nested", 0),
        ('version = "1.2.3"', "[again]\n" * 8000, "too_long", 0),
        ('name = "core"', 'name = "core"\nname = "again"', "not_toml", 3),
        ('name = "core"', 'name = "a b"', "wrong_value", 2),
        ('chain = "synod-local"', 'chian = "synod-local"', "unknown_key", 3),
        ("supply_change = -5", "supply_change = 0.5", "not_toml", 0),
        ("supply_change = -5", "supply_change = true", "wrong_value", 7),
        ("supply_change = -5", f"supply_change = {2**256}", "wrong_value", 7),
        ("supply_change = -5", f"supply_change = {'9' * 5000}", "too_long", 7),
        ('notes = "First."', "notes = 2020-01-01", "wrong_value", 6),
        ('source = "bank.py"', 'source = "../bank.py"', "wrong_value", 11),
        ('source = "faucet.py"', 'source = "bank.py"', "repeated", 11),
        ('name = "faucet"', 'name = "bank"', "repeated", 10),
        ('name = "faucet"', 'name = "upgrade"', "reserved_name", 15),
        ('needs = ["bank"]', 'needs = ["mint"]', "dependency_order", 15),
        ('needs = ["bank"]', "", "undeclared_need", 18),
        ('needs = ["bank"]', 'needs = ["bank", "bank"]', "repeated", 17),
        ('uses = ["bank.give"]', 'uses = ["give"]', "wrong_value", 18),
        ("schema = 3", "schema = 0", "wrong_value", 12),
        ('"bank.purses" = ', "purses = ", "wrong_value", 21),
        ('field = "balance"', "", "missing_key", 0),
        ("[ports.purse]", "[ports.wallet]", "unknown_key", 23),
        ("[bundle]", "[bundel]", "unknown_key", 1),
        ('notes = "First."', f'notes = "{"x" * 17_000}"', "wrong_value", 6),
        ("[[module]]", "[[modul]]", "unknown_key", 9),
        ('"bank.purses" = ', '"bank.old" = "bank.accounts"\n"bank.purses" = ', "repeated", 20),
        ('[ports.purse]\ntable = "bank.accounts"\n', '[ports]\npurse = 1\n', "wrong_type", 24),
    ],
)
def test_each_fault_is_named_with_its_line(old: str, new: str, code: str, line: int) -> None:
    assert old in SOUND
    found = problems_of(SOUND.replace(old, new, 1))
    assert code in [problem for problem, _ in found]
    if line:
        assert (code, line) in found


def test_all_faults_are_reported_at_once() -> None:
    text = SOUND.replace('"1.2.3"', '"x"').replace("schema = 3", "schema = 0").replace("[ports.purse]", "[ports.p]")
    assert {code for code, _ in problems_of(text)} == {"wrong_value", "unknown_key"}
    assert len(problems_of(text)) == 3


def test_a_manifest_lists_a_bounded_number_of_modules() -> None:
    head = SOUND.partition("[[module]]")[0]
    many = "".join(f'[[module]]\nname = "m{number}"\nsource = "m{number}.py"\n' for number in range(49))
    assert [code for code, _ in problems_of(head + many)] == ["too_many"]
    assert [code for code, _ in problems_of(head)] == ["missing_key"]


def test_what_would_exhaust_a_parser_is_refused_before_it() -> None:
    assert problems_of("x = " + "[" * 10_000) == [("too_nested", 0)]
    assert problems_of("#" * 70_000) == [("too_long", 0)]
    with pytest.raises(BundleRefused, match="UTF-8"):
        parse_manifest(b"\xff")


@settings(max_examples=300)
@given(st.integers(0, len(SOUND)), st.text(max_size=4), st.integers(0, 6))
def test_a_mutated_manifest_is_read_or_refused(place: int, piece: str, cut: int) -> None:
    try:
        parse_manifest((SOUND[:place] + piece + SOUND[place + cut :]).encode())
    except BundleRefused as refused:
        assert refused.problems


def test_dots_and_lines_in_texts_and_comments_are_no_nesting() -> None:
    notes = f'notes = """{"." * 100}\n{"w" * 200}"""  # {"." * 100}'
    assert parse_manifest(SOUND.replace('notes = "First."', notes).encode()).notes.startswith("...")


def test_the_problems_of_a_manifest_are_reported_up_to_a_bound() -> None:
    keys = "\n".join(f"key{number} = 1" for number in range(1_000))
    with pytest.raises(BundleRefused) as refused:
        parse_manifest(f"{SOUND}{keys}\n".encode())
    assert len(refused.value.problems) == MAX_PROBLEMS
