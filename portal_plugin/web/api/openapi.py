"""The OpenAPI 3.1 document, from the very operations and models that answer."""

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from .calls import Operation
from .once import HEADER, PATTERN
from .schemas import Problem

REF = "#/components/schemas/{model}"
ALLOWANCE = ("RateLimit", "RateLimit-Policy")
REFUSALS = {
    400: "Not JSON, or no usable Idempotency-Key.",
    401: "No key, or none that is good.",
    403: "The key lacks the scope.",
    404: "There is no such appointment.",
    409: "Taken, decided or being answered meanwhile; `code` says which.",
    413: "More than 64 kB.",
    415: "Not JSON.",
    422: "Something in it is not as it should be, or not offered; `errors` says where.",
    429: "The key calls too often, or too many wrong ones came from this address.",
    503: "The portal's database is away, or the site's own code did not answer; `code` says which.",
}


def describe(operations: Iterable[Operation], server: str) -> dict[str, Any]:
    """A fresh document."""
    every = list(operations)
    taken: set[type[BaseModel]] = {one.takes for one in every if one.method == "POST"}
    told: set[type[BaseModel]] = {Problem, *(one.answers for one in every)}
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [(model, "validation") for model in taken]
    models += [(model, "serialization") for model in told]
    names, schema = models_json_schema(models, ref_template=REF)
    paths: dict[str, Any] = {}
    for one in every:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, names)
    for one in every:
        if one.status == 201:
            paths[one.path]["post"]["responses"]["201"]["links"] = _links(every)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Appointments",
            "version": "1",
            "description": "Decide anything, integrate anything: the appointment portal for a practice system.",
        },
        "servers": [{"url": server}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": schema["$defs"],
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "A key of the practice's."}},
            "headers": {name: {"schema": {"type": "string"}} for name in ALLOWANCE},
        },
    }


def _operation(one: Operation, names: dict[Any, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary,
        "description": f"Needs the scope `{one.scope}`.",
        "parameters": list(_parameters(one)),
        "responses": {
            str(one.status): {
                "description": "Done." if one.method == "POST" else "What was asked for.",
                "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in ALLOWANCE},
                "content": {"application/json": {"schema": names[one.answers, "serialization"]}},
            },
            **{str(status): _refusal(status, names) for status in _refusals(one)},
        },
    }
    if one.method == "POST":
        needed = any(field.is_required() for field in one.takes.model_fields.values())
        body = {"application/json": {"schema": names[one.takes, "validation"]}}
        described["requestBody"] = {"required": needed, "content": body}
    return described


def _links(every: Iterable[Operation]) -> dict[str, Any]:
    """What can be done with an appointment that was made."""
    ref = {"ref": "$response.body#/ref"}
    return {one.name: {"operationId": one.name, "parameters": ref} for one in every if one.has_ref}


def _parameters(one: Operation) -> Iterator[dict[str, Any]]:
    if one.has_ref:
        schema: dict[str, Any] = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
        yield {"name": "ref", "in": "path", "required": True, "schema": schema}
    if one.method == "POST":
        schema = {"type": "string", "pattern": PATTERN}
        told = "The same call with the same key within 24 hours is done once."
        yield {"name": HEADER, "in": "header", "schema": schema, "description": told}
        return
    taken = one.takes.model_json_schema(ref_template=REF)
    for name, schema in taken.get("properties", {}).items():
        needed = name in taken.get("required", ())
        yield {"name": name, "in": "query", "required": needed, "schema": _without_null(schema)}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """An address cannot say null: a parameter is left out."""
    options: list[dict[str, Any]] = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    if len(options) != 1:
        return schema
    return {name: value for name, value in schema.items() if name not in {"anyOf", "default"}} | options[0]


def _refusals(one: Operation) -> Iterator[int]:
    posts = one.method == "POST"
    yield from (401, 403, 422, 429, 503)
    if one.has_ref or "replaces" in one.takes.model_fields:
        yield 404
    if posts:
        yield from (400, 409, 413, 415)


def _refusal(status: int, names: dict[Any, Any]) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": names[Problem, "serialization"]}}
    return {"description": REFUSALS[status], "content": content}
