"""A small judge of JSON Schema: whether an answer is what the OpenAPI document says it is."""

import re


def faults(document, schema, value, where="answer"):
    """What is wrong with ``value`` under ``schema``, as texts; empty when it fits."""
    if "$ref" in schema:
        return faults(document, resolve(document, schema["$ref"]), value, where)
    found = []
    for key in ("anyOf", "oneOf"):
        if key in schema and all(faults(document, option, value, where) for option in schema[key]):
            found.append(f"{where} fits no option: {value!r}")
    if "const" in schema and value != schema["const"]:
        found.append(f"{where} is {value!r}, not {schema['const']!r}")
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{where} is {value!r}, not one of {schema['enum']}")
    kind = schema.get("type")
    if kind is not None and not IS[kind](value):
        return [*found, f"{where} is {value!r}, no {kind}"]
    return found + WITHIN.get(kind, lambda *_: [])(document, schema, value, where)


def resolve(document, reference):
    part = document
    for step in reference.removeprefix("#/").split("/"):
        part = part[step]
    return part


def _object(document, schema, value, where):
    found = [f"{where} lacks {name}" for name in schema.get("required", []) if name not in value]
    known, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    for name, inner in value.items():
        if name in known:
            found += faults(document, known[name], inner, f"{where}.{name}")
        elif others is False:
            found.append(f"{where} has {name}, which is not declared")
        elif isinstance(others, dict):
            found += faults(document, others, inner, f"{where}.{name}")
    return found


def _array(document, schema, value, where):
    return [fault for n, item in enumerate(value) for fault in faults(document, schema["items"], item, f"{where}[{n}]")]


def _string(document, schema, value, where):
    pattern = schema.get("pattern")
    return [] if pattern is None or re.search(pattern, value) else [f"{where} is {value!r}, not {pattern}"]


def _integer(document, schema, value, where):
    low, high = schema.get("minimum", value), schema.get("maximum", value)
    return [] if low <= value <= high else [f"{where} is {value}, not in {low} .. {high}"]


IS = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: type(value) is int,
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}
WITHIN = {"object": _object, "array": _array, "string": _string, "integer": _integer}


def declared_schema(document, path, method, response):
    """The schema declared for an answer, or a text saying that the document does not know it."""
    operation = document["paths"][path][method.lower()]
    status = str(response.status_code)
    declared = operation["responses"].get(status) or operation["responses"].get(f"{status[0]}XX")
    if declared is None:
        return f"{method} {path} does not declare status {status}"
    media = response.headers["content-type"].partition(";")[0]
    if media not in declared["content"]:
        return f"{method} {path} does not declare {media} for {status}"
    return declared["content"][media]["schema"]
