"""A description of the interface (OpenAPI 3.1), made from the route table."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.responses import Response

from wheelyard import __version__
from wheelyard.web.access import ANYBODY, Anybody
from wheelyard.web.endpoint import Call, Endpoint, answered

_PART = re.compile(r"\{(\w+)\}")
_HTML = "text/html"
_REFERENCE = "#/components/schemas/{name}"


def description(table: Sequence[Endpoint]) -> dict[str, Any]:
    """Return the description of a route table."""
    values = {kind for one in table for kind in (one.body, one.gives) if _is_value(kind)}
    kinds = sorted(values, key=lambda kind: str(kind.__name__))
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_REFERENCE)
    schema_of = dict(zip(kinds, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for one in table:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {"title": "wheelyard", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": {**components, "Refusal": _REFUSAL},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


_REFUSAL = {
    "type": "object",
    "properties": {"error": {"type": "string"}, "hint": {"type": "string"}},
    "required": ["error", "hint"],
}


def _operation(one: Endpoint, schema_of: dict[Any, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": one.says,
        "operationId": re.sub(r"\W+", "-", one.name).strip("-").lower(),
        "parameters": [*_path_parameters(one), *_query_parameters(one)],
        "responses": {
            str(one.status): _good(one, schema_of),
            "default": {
                "description": "It was refused.",
                "content": {
                    "application/json": {"schema": {"$ref": _REFERENCE.format(name="Refusal")}}
                },
            },
        },
    }
    if isinstance(one.allowed, Anybody):
        operation["security"] = []
    else:
        operation["security"] = [{"token": []}, *([{}] if one.visitors else [])]
        operation["x-roles"] = sorted(role.value for role in one.allowed)
    if one.body is not None:
        schema = schema_of.get(one.body, {"type": "string", "format": "binary"})
        operation["requestBody"] = {"content": {one.body_media: {"schema": schema}}}
    return operation


def _good(one: Endpoint, schema_of: dict[Any, Any]) -> dict[str, Any]:
    if one.status == 204:  # noqa: PLR2004 - no content
        return {"description": "Done."}
    schema = schema_of.get(one.gives, {"type": "string"})
    content = {one.media: {"schema": schema}}
    if one.page and one.media != _HTML:
        content[_HTML] = {"schema": {"type": "string"}}
    return {"description": "Done.", "content": content}


def _path_parameters(one: Endpoint) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PART.findall(one.path)
    ]


def _query_parameters(one: Endpoint) -> list[dict[str, Any]]:
    return [
        {
            "name": parameter.name,
            "in": "query",
            "description": parameter.says,
            "schema": {"type": parameter.kind},
        }
        for parameter in one.query
    ]


def _is_value(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def endpoints(table: Sequence[Endpoint]) -> Sequence[Endpoint]:
    """Return where the description of a table, and of itself, is read."""
    own: list[Endpoint] = []

    async def show(_: Call) -> Response:
        return answered(description([*table, *own]))

    own.append(
        Endpoint(
            method="GET",
            path="/api/openapi.json",
            allowed=ANYBODY,
            answer=show,
            says="This interface, described (OpenAPI 3.1).",
            gives=dict,
        )
    )
    return own
