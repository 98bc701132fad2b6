"""The list of modules: every table, query and call that runs at a height, host and runtime alike, with schemas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from node.http import answers
from node.http.values import json_schema
from runtime.bundle.declarations import ModuleDeclaration
from runtime.execution import HostTable
from runtime.interface import interface_text, type_text
from storage.record import Schema
from storage.tables import Table


def runtime_modules(
    modules: Iterable[ModuleDeclaration], registry: Mapping[str, dict[str, Any]]
) -> list[answers.Module]:
    """The modules of a bundle, in dependency order; calls that only modules may make are left out."""
    return [
        answers.Module(
            name=module.name,
            half="runtime",
            registered=registry.get(module.name),
            doc=module.doc,
            tables=[_table(table.id, table.key, table.key_names, table.record) for table in module.tables],
            queries=[
                answers.QuerySchema(
                    name=query.name,
                    arguments=_fields(query.args),
                    returns=type_text(query.returns) + ("?" if query.may_be_none else ""),
                )
                for query in module.queries
            ],
            calls=[
                _call(call.module, call.name, call.args, call.meaning, call.interface, call.flag)
                for call in module.calls
                if not call.internal
            ],
        )
        for module in modules
    ]


def host_modules(
    tables: Mapping[str, Table[Any]], calls: HostTable, registry: Mapping[str, dict[str, Any]]
) -> list[answers.Module]:
    """The host's own modules, by name."""
    names = {name.partition(".")[0] for name in tables} | {module for module, _ in calls}
    return [
        answers.Module(
            name=module,
            half="host",
            registered=registry.get(module),
            doc="",
            tables=[
                _table(name, table.key, table.key_names, table.schema)
                for name, table in sorted(tables.items())
                if name.partition(".")[0] == module
            ],
            queries=[],
            calls=[
                _call(module, name, entry.call.schema, entry.call.meaning, entry.interface, "")
                for (owner, name), entry in sorted(calls.items(), key=lambda item: item[0])
                if owner == module
            ],
        )
        for module in sorted(names)
    ]


def _table(full_name: str, kinds: tuple[str, ...], names: tuple[str, ...], schema: Schema) -> answers.TableSchema:
    return answers.TableSchema(
        name=full_name.partition(".")[2],
        id=full_name,
        key=[answers.KeyPart(name=name, type=kind) for name, kind in zip(names, kinds, strict=True)],
        fields=_fields(schema),
        value=json_schema(schema),
    )


def _call(module: str, name: str, args: Schema, meaning: int, interface: bytes, flag: str) -> answers.CallSchema:
    return answers.CallSchema(
        name=name,
        arguments=_fields(args),
        meaning=meaning,
        interface=interface.hex(),
        interface_text=interface_text(module, name, args, meaning),
        flag=flag,
    )


def _fields(schema: Schema) -> list[answers.FieldSchema]:
    return [
        answers.FieldSchema(
            number=spec.number,
            name=spec.name,
            type=type_text(spec.type),
            optional=spec.has_default,
            coin=spec.value == "coin",
        )
        for spec in schema.fields
    ]
