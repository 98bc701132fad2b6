"""The catalogue names each generation once and for ever, and keeps what a rollback needs."""

import pytest

from storage.catalogue import CATALOGUE, Catalogue
from storage.errors import TableExists, TableUnknown
from storage.tables import Half
from tests.storage.small_state import ALL_TABLES, DATED, PURSES, STAKES, VOTES

ROOT = b"r" * 32


def whole() -> Catalogue:
    catalogue = Catalogue.empty()
    for table in ALL_TABLES:
        catalogue = catalogue.with_table(table)
    return catalogue


def test_a_new_catalogue_holds_itself_first() -> None:
    entry = Catalogue.empty().entry(CATALOGUE.name)
    assert (entry.generation, entry.schema) == (1, CATALOGUE.schema_digest)


def test_tables_stand_in_the_order_of_their_names_in_their_half() -> None:
    assert whole().names(Half.HOST) == ("gov.flags", "gov.votes", "host.catalogue")
    assert whole().names(Half.RUNTIME) == ("bank.purses", "stake.stakes")
    assert whole().half_of("gov.votes") is Half.HOST


def test_the_order_of_adding_decides_numbers_only() -> None:
    other = Catalogue.empty()
    for table in reversed(ALL_TABLES):
        other = other.with_table(table)
    assert other.names(Half.RUNTIME) == whole().names(Half.RUNTIME)


def test_a_name_is_given_once() -> None:
    with pytest.raises(TableExists):
        whole().with_table(VOTES)
    with pytest.raises(TableExists):
        whole().renamed(STAKES.name, PURSES)


def test_a_replaced_table_gets_a_number_that_was_never_given() -> None:
    given = [whole().entry(PURSES.name).generation]
    catalogue = whole()
    for _ in range(3):
        catalogue = catalogue.replaced(PURSES)
        given.append(catalogue.entry(PURSES.name).generation)
    catalogue = catalogue.without(PURSES.name).with_table(PURSES)
    given.append(catalogue.entry(PURSES.name).generation)
    assert len(set(given)) == len(given)


def test_what_is_kept_comes_back_with_its_generation() -> None:
    before = whole()
    after = before.replaced(DATED, keep_root=ROOT).without(STAKES.name, keep_root=ROOT)
    assert [(k.name, k.root) for k in after.runtime.kept] == [("bank.purses", ROOT), ("stake.stakes", ROOT)]
    assert after.entry("bank.purses").schema == DATED.schema_digest
    back = after.with_runtime_tables(before.runtime.entries)
    assert back.runtime.entries == before.runtime.entries
    assert back.runtime.kept == ()
    assert back.runtime.next_generation == after.runtime.next_generation


def test_a_rollback_drops_added_tables_and_undoes_renames() -> None:
    before = whole().without(STAKES.name)
    after = before.renamed(PURSES.name, STAKES)
    back = after.with_runtime_tables(before.runtime.entries)
    assert back.names(Half.RUNTIME) == ("bank.purses",)
    added = before.with_table(STAKES)
    assert added.with_runtime_tables(before.runtime.entries).find(STAKES.name) is None


def test_what_was_released_cannot_come_back() -> None:
    before = whole()
    after = before.replaced(DATED, keep_root=ROOT).released()
    assert len(after.references()) == len(before.references())
    with pytest.raises(TableUnknown):
        after.with_runtime_tables(before.runtime.entries)


def test_a_compatible_schema_keeps_the_generation() -> None:
    after = whole().reschemed(DATED)
    assert after.entry(DATED.name).generation == whole().entry(PURSES.name).generation
    assert after.entry(DATED.name).schema == DATED.schema_digest


def test_unknown_tables_are_named() -> None:
    with pytest.raises(TableUnknown, match=r"bank\.nothing"):
        whole().entry("bank.nothing")
