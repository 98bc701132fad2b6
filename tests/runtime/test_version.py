"""Which versions exist, and which may follow which. R1.1"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.errors import VersionInvalid
from runtime.version import RuntimeVersion

numbers = st.integers(min_value=0, max_value=999_999_999)
versions = st.builds(RuntimeVersion, numbers, numbers, numbers)


@given(versions)
def test_a_version_reads_back_from_its_text(version):
    assert RuntimeVersion.parse(str(version)) == version


@given(versions, versions)
def test_order_is_that_of_the_three_numbers(one, other):
    assert (one < other) == ((one.major, one.minor, one.patch) < (other.major, other.minor, other.patch))


@given(versions, versions)
def test_an_upgrade_is_strictly_newer_and_at_most_one_major_higher(present, proposed):
    assert present.can_upgrade_to(proposed) == (proposed > present and proposed.major - present.major <= 1)


@pytest.mark.parametrize(
    ("present", "proposed", "may"),
    [
        ("1.0.0", "1.0.1", True),
        ("1.9.9", "2.0.0", True),
        ("1.0.0", "1.0.0", False),
        ("1.1.0", "1.0.9", False),
        ("1.0.0", "3.0.0", False),
        ("2.0.0", "1.9.9", False),
    ],
)
def test_upgrade_paths(present, proposed, may):
    assert RuntimeVersion.parse(present).can_upgrade_to(RuntimeVersion.parse(proposed)) is may


def test_a_version_is_compatible_with_older_ones_of_its_major_only():
    version = RuntimeVersion(1, 1, 0)
    assert version.is_compatible(RuntimeVersion(1, 0, 0))
    assert version.is_compatible(version)
    assert not version.is_compatible(RuntimeVersion(1, 2, 0))
    assert not version.is_compatible(RuntimeVersion(0, 9, 0))
    assert not RuntimeVersion(2, 0, 0).is_compatible(version)


@pytest.mark.parametrize(
    "text",
    ["", "1", "1.0", "1.0.0.0", "01.0.0", "1.00.0", "1.0.-1", "1.0.0\n", " 1.0.0", "v1.0.0", "1.0.\u0661", "1.0.1e3"],
)
def test_what_str_would_not_write_is_no_version(text):
    with pytest.raises(VersionInvalid) as refused:
        RuntimeVersion.parse(text)
    assert refused.value.code == "version_invalid"
