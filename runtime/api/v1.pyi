"""The language of bundles, version 1: declarations, the context, and the types of fields and arguments.

A module of a bundle is a docstring, imports, constants, records, variants, tables, invariants and functions. All but
the bodies of functions is read as data; nothing at module level is ever executed. Values are records, tuples, lists
and dictionaries of: integers from -2**256+1 to 2**256-1, booleans, text and bytes.
"""

from collections.abc import Callable
from typing import Any, Generic, Literal, Self, TypeAlias, TypeVar, dataclass_transform, overload

Amount: TypeAlias = int
"""0 to 2**256-1."""
Address: TypeAlias = bytes
"""Exactly 20 bytes; it outlives every key."""
Hash: TypeAlias = bytes
"""Exactly 32 bytes."""
Data: TypeAlias = bytes
"""At most 64 KiB."""
Text: TypeAlias = str
"""At most 64 KiB as UTF-8."""
Flag: TypeAlias = bool

Key: TypeAlias = int | bytes | str
"""Parts of a table's key: Amount, Address, Hash, Data or Text."""

# --- records ---------------------------------------------------------------------------------------------------------

def field(number: int, *, default: Any = ..., value: Literal["coin"] = ...) -> Any:
    """A field with its number, which is never used again for another. A default is a zero value: 0, False, "", b"" or
    (); a new field with one changes no stored byte. `value="coin"` counts the field in the supply."""

@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
class Record:
    """Base of records: frozen, named fields only."""

    def but(self, **changes: Any) -> Self:
        """The same record with some fields changed."""

class Variant:
    """Base of variants: one of several records. A case is a class attribute: `paid: Payment = case(1)`. A field or an
    argument of this type holds the record itself; `isinstance(it, Payment)` tells which case it is."""

    def __getattr__(self, name: str) -> Any: ...

def case(number: int) -> Any:
    """A case of a variant with its number, which is never used again for another."""

RecordT = TypeVar("RecordT", bound=Record)

class Table(Generic[RecordT]): ...

class Old:
    """A record as it was before the migration, with the fields of the running schema. `old: "Old.bank.accounts"`, in
    quotes, tells type checkers of which table it is: `synod bundle check` writes them a stub that has the fields."""

    def __getattr__(self, name: str) -> Any: ...

class Frozen:
    """Parameters as they were when the plan was scheduled; each is named in the migration's declaration."""

    def __getattr__(self, name: str) -> Any: ...

class Inputs:
    """Reads of the tables that a migration names in `reads`, as they were before it."""

    def get(self, table: str, *key: Key) -> Old | None:
        """A row of `"module.table"`."""

def table(record: type[RecordT], *, key: tuple[Any, ...], names: tuple[str, ...] = ...) -> Table[RecordT]:
    """A table of the module's own; `names` of the key parts make invariants and answers readable."""

# --- invariants: kept by the host, checked in every block ----------------------------------------------------------

class Aggregate: ...
class Rule: ...

Where: TypeAlias = tuple[str, int | bool | str | bytes]

def total(table: Table[Any], field: str, *, by: str = ..., where: Where = ...) -> Aggregate:
    """The sum of a field; `by` a part of the key, or "key" for each row by itself; `where` a field is a constant."""

def count(table: Table[Any], *, by: str = ..., where: Where = ...) -> Aggregate:
    """The number of rows."""

def equal(left: Aggregate, right: Aggregate) -> Rule: ...
def at_most(left: Aggregate, right: Aggregate) -> Rule: ...
def refers(table: Table[Any], part: str, target: Table[Any]) -> Rule:
    """Each row names in `part` (of its key, or a field) the one-part key of a row of `target`."""

def invariant(name: str, rule: Rule) -> None: ...

# --- functions -------------------------------------------------------------------------------------------------------

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

def call(*, meaning: int, flag: str = ..., internal: bool = ...) -> Callable[[FunctionT], FunctionT]:
    """A call that changes state, `(ctx, arguments)`. Raise `meaning` when the same arguments come to mean something
    else. `flag` is a feature flag without which it does not run. An `internal` call is for modules that list it in
    their `uses`, and never for a transaction."""

def query(function: FunctionT) -> FunctionT:
    """A read-only function `(ctx, arguments)` with an answer."""

HookMoment: TypeAlias = Literal["begin_block", "end_block", "pre_upgrade", "post_upgrade", "health"]

def hook(moment: HookMoment) -> Callable[[FunctionT], FunctionT]:
    """A function `(ctx)` that the host runs; `health` answers whether the module is well and writes nothing."""

def migration(
    table: Table[Any],
    *,
    from_schema: int,
    sets: tuple[str, ...] = ...,
    reads: tuple[str, ...] = ...,
    frozen: tuple[str, ...] = ...,
    rekeys: bool = ...,
) -> Callable[[FunctionT], FunctionT]:
    """Makes each record anew: `(old: Old, frozen: Frozen)`, and `inputs: Inputs` when it `reads` other tables, which
    may be of any module. Only the fields in `sets` may differ from the old ones, and new ones from their default.
    A record keeps its key, unless the migration `rekeys`: then it takes the parts of the key first, as in
    `(key: tuple[Any, ...], old: Old, frozen: Frozen)`, and answers `((part, ...), record)`. Records that come to the
    same key all fail."""

def validate(table: Table[Any]) -> Callable[[FunctionT], FunctionT]:
    """A check `(old, new) -> bool` of every record that a migration makes."""

def reverse(table: Table[Any]) -> Callable[[FunctionT], FunctionT]:
    """The way back `(new) -> OldRecord` of each record that a migration made, byte for byte; its answer is a record of
    this source declared as the running one is. Every rehearsal proves it on every record. An upgrade with a migration
    that has none takes the higher threshold."""

class Refused(Exception):
    """The call refuses: nothing it wrote stays, and the code is what the receipt shows."""

    def __init__(self, code: str) -> None: ...

class Context:
    """What a call, query or hook may see and do."""

    @property
    def sender(self) -> Address:
        """Who signed the transaction; empty in a hook."""
    @property
    def caller(self) -> Text:
        """The module that makes this call; empty when a transaction or the host does."""
    @property
    def height(self) -> Amount: ...
    @property
    def chain_id(self) -> Text: ...
    def parameter(self, name: str) -> Amount:
        """A chain parameter, as it stands at this height."""
    def flag(self, name: str) -> Flag:
        """Whether a feature flag is on; one that nobody set is off."""
    def get(self, table: Table[RecordT], *key: Key) -> RecordT | None: ...
    def has(self, table: Table[Any], *key: Key) -> bool: ...
    @overload
    def put(self, table: Table[RecordT], one: Key, record: RecordT, /) -> None: ...
    @overload
    def put(self, table: Table[RecordT], one: Key, two: Key, record: RecordT, /) -> None: ...
    @overload
    def put(self, table: Table[RecordT], one: Key, two: Key, three: Key, record: RecordT, /) -> None: ...
    @overload
    def put(self, table: Table[RecordT], one: Key, two: Key, three: Key, four: Key, record: RecordT, /) -> None: ...
    def delete(self, table: Table[Any], *key: Key) -> None: ...
    def scan(self, table: Table[RecordT], *prefix: Key, limit: int) -> list[tuple[tuple[Any, ...], RecordT]]:
        """Rows whose key begins with the prefix, in key order, at most `limit`."""
    def call(self, name: str, *args: Any) -> None:
        """Make a call of another module, `"bank.take"`; the manifest's `uses` lists it."""
    def query(self, name: str, *args: Any) -> Any:
        """Ask a query of any module that this one needs, or its own."""
    def event(self, name: str, **attributes: Any) -> None:
        """Tell the world, in the receipt."""
    def module_address(self, name: str) -> Address:
        """The account that a module owns."""
