"""What modules have, and rows and queries of theirs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from node.http.answers.base import Answer, Anything, BytesHex, HashHex, Height, Number, Object
from node.http.answers.health import Runtime
from node.http.values import json_schema
from runtime.registry import ModuleEntry
from storage.record import schema_of

RegistryObject = Annotated[dict[str, Any], WithJsonSchema(json_schema(schema_of(ModuleEntry)))]


class FieldSchema(Answer):
    """A field of a record, or an argument."""

    number: Number
    name: str
    type: str = Field(description="amount, flag, text, data, address, hash, [item], {record} or <variant>.")
    optional: bool = Field(description="Zero when left out.")
    coin: bool = Field(False, description="Counts in the supply.")


class KeyPart(Answer):
    """A part of a table's key."""

    name: str
    type: str


class TableSchema(Answer):
    """A table: GET /modules/{module}/tables/{table}."""

    name: str
    id: str = Field(description="module.table")
    key: list[KeyPart]
    fields: list[FieldSchema]
    value: Object = Field(description="JSON Schema of its rows.")


class QuerySchema(Answer):
    """A query: GET or POST /modules/{module}/queries/{query}."""

    name: str
    arguments: list[FieldSchema]
    returns: str


class CallSchema(Answer):
    """A call that a transaction can make."""

    name: str
    arguments: list[FieldSchema]
    meaning: Number
    interface: BytesHex = Field(description="What a transaction names so that it is never reinterpreted.")
    interface_text: str = Field(description="The line that the interface is the hash of.")
    flag: str = Field("", description="The feature flag that gates it.")


class Module(Answer):
    """A module as it runs now; the list changes at the flip."""

    name: str
    half: Literal["host", "runtime"]
    registered: RegistryObject | None = Field(
        None, description="Its entry of the module registry; a runtime module without one does not run."
    )
    doc: str = ""
    tables: list[TableSchema]
    queries: list[QuerySchema]
    calls: list[CallSchema]


class Modules(Answer):
    """Everything that can be read and called at a height."""

    height: Height
    runtime: Runtime
    modules: list[Module]


class Row(Answer):
    """A row; `value` is null where the table has none, which is an answer and can be proven."""

    key: Object
    value: Object | None


class Rows(Answer):
    """A page of a table in key order."""

    table: str
    height: Height
    rows: list[Row]
    next: str | None = Field(description="Give it as `after` for the next page; null at the end.")


class ProvenRow(Answer):
    """One row, with the proof when asked for."""

    table: str
    height: Height
    app_root: HashHex
    row: Row
    proof: Object | None = Field(None, description="For storage.proofs, which needs nothing else but the root.")


class QueryAnswer(Answer):
    """What a query said."""

    query: str
    height: Height
    result: Anything
