"""What each upgrade of the market comes to, in plain Python: all rows of A - 1 at once, no slices, nothing kept.

Written apart from what it judges: it takes rows as dicts and shares no code with growth, migration or invariants but
the names of tables, aggregates and rules. Roots are those of fresh trees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from runtime.invariants.counters import AGGREGATES, AggregateValue
from storage.bulkload import tree_of
from storage.hashing import half_root
from storage.keys import pack_key
from storage.tables import Table

Row = dict[str, Any]
Key = tuple[Any, ...]
Rows = dict[Key, Row]
Tables = dict[str, Rows]
Sums = dict[str, dict[tuple[Any, ...], int]]
"""By aggregate and group."""


class Wrong(Exception):
    """A record that cannot be made: the code, and a text on the line at fault."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(code)
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class Failure:
    """What history must say of an upgrade that fails; a broken rule has no place in a file."""

    code: str
    file: str = ""
    text: str = ""
    detail: str = ""


@dataclass(slots=True)
class Judgement:
    """How an upgrade must end, and what must stand at A before the block's own work."""

    failing: int = 0
    """Records that cannot be made."""
    failure: Failure | None = None
    tables: Tables = field(default_factory=dict)
    sums: Sums = field(default_factory=dict)


Make = Callable[[Tables, Row, int], Row]
"""(tables of A - 1, a record, the height of scheduling) -> the record after; raises Wrong."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an upgrade does."""

    makes: Mapping[str, tuple[Make, str, str]]
    """By the new name of a table: how a record is made, the file, a text on the line that declares it."""
    renamed: Mapping[str, str]
    """New name to old."""
    sums: Callable[[Tables], Sums]
    broken: Callable[[Tables], Iterable[str]]
    """The names of the rules that do not hold."""
    rekeys: Mapping[str, Callable[[Key, Row], Key]] = field(default_factory=dict)
    """By the new name of a table: where a record of it goes."""
    emptied: frozenset[str] = frozenset()
    """Tables that begin without rows."""


def judge(meaning: Meaning, before: Tables, scheduled_at: int, owed: int, declared: int) -> Judgement:
    """Live through the upgrade; ``owed`` is what all purses must hold before it, ``declared`` its supply change."""
    found = Judgement()
    failures = []
    for name in sorted(before):
        new = next((new for new, old in meaning.renamed.items() if old == name), name)
        found.tables[new] = {key: dict(row) for key, row in before[name].items()}
    found.tables |= {name: {} for name in meaning.emptied}
    for name in sorted(meaning.makes):
        failures += _made(found, meaning, name, before, scheduled_at)
    if failures:
        found.failure = failures[0]
        return found
    found.sums = {name: groups for name, groups in meaning.sums(found.tables).items() if groups}
    broken = sorted(meaning.broken(found.tables))
    if _sum(found.tables["coins.purses"], "coins").get((), 0) != owed + declared:
        broken = ["host.supply"] if declared else sorted([*broken, "host.supply"])
    if broken:
        found.failure = Failure("invariant_broken", detail=", ".join(broken))
    return found


def _made(found: Judgement, meaning: Meaning, name: str, before: Tables, scheduled_at: int) -> list[Failure]:
    """Make a table's records; the failure of the least key, or that nothing changes."""
    make, file, declared = meaning.makes[name]
    source = before[meaning.renamed.get(name, name)]
    place_of = meaning.rekeys.get(name, lambda key, row: key)
    made: dict[Key, list[tuple[Key, Row]]] = {}
    failures: dict[Key, Failure] = {}
    for key in sorted(source):
        try:
            row = make(before, source[key], scheduled_at)
        except Wrong as wrong:
            failures[key] = Failure(wrong.code, file, wrong.text or declared)
        else:
            made.setdefault(place_of(key, source[key]), []).append((key, row))
    for claimants in made.values():
        if len(claimants) > 1:
            failures |= {key: Failure("key_collision", file, declared) for key, _ in claimants}
    found.tables[name] = {place: claimants[0][1] for place, claimants in made.items()}
    found.failing += len(failures)
    kept = found.tables[name].keys() == source.keys()
    if not failures and source and kept and all(_same(found.tables[name][key], source[key]) for key in source):
        return [Failure("migration_changed_nothing", file, declared)]
    return [failures[key] for key in sorted(failures)[:1]]


def _same(new: Row, old: Row) -> bool:
    """Whether two records have the same bytes: a field at its default has none."""
    return {name: value for name, value in new.items() if value} == {n: value for n, value in old.items() if value}


def _sum(rows: Rows, name: str | None, by: tuple[int, ...] = ()) -> dict[tuple[Any, ...], int]:
    """A field, or the rows themselves, added up by parts of the key; groups at zero are left out."""
    found: dict[tuple[Any, ...], int] = {}
    for key, row in rows.items():
        group = tuple(key[part] for part in by)
        found[group] = found.get(group, 0) + (1 if name is None else row[name])
    return {group: value for group, value in found.items() if value}


def _rank(before: Tables, old: Row, scheduled_at: int) -> Row:
    note = before["coins.notes"].get((old["mood"],))
    if note is None:
        return {**old, "rank": 0}
    if note["size"] == 7:
        raise Wrong("seven", 'raise Refused("seven")')
    if note["size"] >= 9:
        raise Wrong("division_by_zero", "return Purse(coins=old.coins, mood=old.mood, rank=tens")
    further = before["coins.notes"].get((note["size"],))
    return {**old, "rank": note["size"] + 10 * (0 if further is None else further["size"])}


def _rank_and_mint(before: Tables, old: Row, scheduled_at: int) -> Row:
    try:
        made = _rank(before, old, scheduled_at)
    except Wrong as wrong:
        raise Wrong(wrong.code, wrong.text.replace("old.coins,", "old.coins + 1,")) from None
    return {**made, "coins": old["coins"] + 1}


def _raise_limit(before: Tables, old: Row, scheduled_at: int) -> Row:
    if old["most"] == 13:
        raise Wrong("unlucky", 'raise Refused("unlucky")')
    return {"most": old["most"] + 1}


def _double_rate(before: Tables, old: Row, scheduled_at: int) -> Row:
    if old["rate"] > 5:
        raise Wrong("record_not_valid", "def bearable")
    return {"rate": 2 * old["rate"]}


def _date(before: Tables, old: Row, scheduled_at: int) -> Row:
    if old["size"] == 7:
        raise Wrong("seven", 'raise Refused("seven")')
    return {**old, "seen": scheduled_at if old["size"] else 0}


def _mark(before: Tables, old: Row, scheduled_at: int) -> Row:
    if old["size"] == 7:
        raise Wrong("seven", 'raise Refused("seven")')
    return {**old, "seen": min(old["size"], 1)}


def _up(key: Key, old: Row) -> Key:
    if old["size"] == 5:
        return (0,)
    return (key[0] + 1,) if 2 <= old["size"] <= 3 else key


def _rank_again(before: Tables, old: Row, scheduled_at: int) -> Row:
    remark = before["coins.remarks"].get((old["rank"],))
    return {**old, "rank": 0 if remark is None else remark["size"]}


def _coin_sums(tables: Tables, notes: str) -> Sums:
    return {
        "supply": _sum(tables["coins.purses"], "coins"),
        f"total:{notes}.size|": _sum(tables[notes], "size"),
        "total:coins.tallies.size|": _sum(tables["coins.tallies"], "size"),
        f"refers:coins.pledges.slot->{notes}": _sum(tables["coins.pledges"], None, by=(1,)),
    }


def _counts(tables: Tables) -> Sums:
    return {
        "count:coins.pledges.|": _sum(tables["coins.pledges"], None),
        "count:coins.purses.|": _sum(tables["coins.purses"], None),
    }


def _loan_sums(tables: Tables) -> Sums:
    return {
        "total:loans.loans.amount|0": _sum(tables["loans.loans"], "amount", by=(0,)),
        "total:loans.caps.most|0": _sum(tables["loans.caps"], "most", by=(0,)),
        "refers:loans.loans.lender->loans.lenders": _sum(tables["loans.loans"], None, by=(1,)),
    }


def _quiet_broken(tables: Tables) -> Iterable[str]:
    if sum(row["size"] for row in tables["coins.tallies"].values()) > len(tables["coins.purses"]):
        yield "coins.few_sizes"


def _full_broken(tables: Tables) -> Iterable[str]:
    owed: dict[bytes, int] = {}
    for (owner, _), loan in tables["loans.loans"].items():
        owed[owner] = owed.get(owner, 0) + loan["amount"]
    caps = tables["loans.caps"]
    if any(amount > (caps[owner,]["most"] if (owner,) in caps else 0) for owner, amount in owed.items()):
        yield "loans.within_caps"
    if any((lender,) not in tables["loans.lenders"] for _, lender in tables["loans.loans"]):
        yield "loans.lender_known"


def _back_broken(tables: Tables) -> Iterable[str]:
    if len(tables["coins.pledges"]) > len(tables["coins.purses"]):
        yield "coins.few_pledges"


def _moved_broken(tables: Tables) -> Iterable[str]:
    yield from _back_broken(tables)
    if any((slot,) not in tables["coins.notes"] for _, slot in tables["coins.pledges"]):
        yield "coins.pledged_notes_exist"


_DOUBLED = {"loans.lenders": (_double_rate, "loans.py", "def double_rates")}
_RAISED = {"loans.caps": (_raise_limit, "loans.py", "def raise_limits"), **_DOUBLED}
_FULL = Meaning(
    makes={"coins.purses": (_rank, "coins.py", "def rank"), **_RAISED},
    renamed={"coins.remarks": "coins.notes", "loans.caps": "loans.limits"},
    sums=lambda tables: _coin_sums(tables, "coins.remarks") | _loan_sums(tables),
    broken=_full_broken,
)
MEANINGS: dict[str, Meaning] = {
    "quiet": Meaning(
        makes=_DOUBLED,
        renamed={},
        sums=lambda tables: _coin_sums(tables, "coins.notes") | _counts(tables),
        broken=_quiet_broken,
    ),
    "full": _FULL,
    "minting": Meaning(
        makes={"coins.purses": (_rank_and_mint, "coins.py", "def rank"), **_RAISED},
        renamed=_FULL.renamed,
        sums=_FULL.sums,
        broken=_FULL.broken,
    ),
    "back": Meaning(
        makes={
            "coins.notes": (_date, "coins.py", "def date"),
            "coins.purses": (_rank_again, "coins.py", "def rank_again"),
        },
        renamed={"coins.notes": "coins.remarks"},
        sums=lambda tables: _coin_sums(tables, "coins.notes") | _counts(tables),
        broken=_back_broken,
    ),
    "moved": Meaning(
        makes={"coins.notes": (_mark, "coins.py", "def move")},
        renamed={},
        sums=lambda tables: _coin_sums(tables, "coins.notes") | _counts(tables),
        broken=_moved_broken,
        rekeys={"coins.notes": _up},
    ),
    "anew": Meaning(
        makes={},
        renamed={},
        sums=lambda tables: _coin_sums(tables, "coins.notes") | _counts(tables),
        broken=_moved_broken,
        emptied=frozenset({"loans.loans", "loans.limits", "loans.lenders"}),
    ),
    "full_anew": Meaning(
        makes={},
        renamed={},
        sums=_FULL.sums,
        broken=_FULL.broken,
        emptied=frozenset({"loans.loans", "loans.caps", "loans.lenders"}),
    ),
}


def fresh_root(rows: Mapping[bytes, bytes]) -> bytes:
    """The root of a tree that is built at once."""
    return tree_of(rows.items()).root


def runtime_root(judged: Judgement, tables: Mapping[str, Table[Any]]) -> bytes:
    """The root of the runtime half as it must be right after the flip."""
    roots = {name: fresh_root(packed(tables[name], rows)) for name, rows in judged.tables.items()}
    roots[AGGREGATES.name] = fresh_root(packed_sums(judged.sums))
    return half_root(sorted(roots.items()))


def packed(table: Table[Any], rows: Rows) -> dict[bytes, bytes]:
    """Rows as their bytes."""
    return {table.pack(key): table.codec.encode(table.record(**row)) for key, row in rows.items()}


def packed_sums(sums: Sums) -> dict[bytes, bytes]:
    """Aggregates as their bytes."""
    return {
        AGGREGATES.pack((aggregate, _group_bytes(group))): AGGREGATES.codec.encode(AggregateValue(value=value))
        for aggregate, groups in sums.items()
        for group, value in groups.items()
    }


def _group_bytes(group: tuple[Any, ...]) -> bytes:
    """Owners and slots are the only groups there are."""
    return pack_key(tuple("address" if type(part) is bytes else "amount" for part in group), group)
