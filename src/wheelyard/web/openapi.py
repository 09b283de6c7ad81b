"""A description of the interface (OpenAPI 3.1), made from the route table."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.responses import Response

from wheelyard import __version__
from wheelyard.web.access import ANYBODY, Anybody
from wheelyard.web.endpoint import INTERFACE, Call, Endpoint, answered

_PART = re.compile(r"\{(\w+)\}")
_HTML = "text/html"
_REFERENCE = "#/components/schemas/{name}"


def description(table: Sequence[Endpoint]) -> dict[str, Any]:
    """Return the description of a route table."""
    values = {kind for one in table for kind in _kinds(one) if _is_value(kind)}
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
            **_refusals(one),
            **{str(status): _answer(one, schema_of, kind) for status, kind in one.also},
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


def _kinds(one: Endpoint) -> Sequence[Any]:
    return (one.body, one.gives, *(kind for _, kind in one.also))


_PLAIN = {None: "string", dict: "object", list: "array"}
_NO_BODY = frozenset({204, 303})


def _good(one: Endpoint, schema_of: dict[Any, Any]) -> dict[str, Any]:
    if one.status in _NO_BODY:
        return {"description": "Done."}
    if one.gives in _PLAIN:
        kind = _PLAIN[one.gives]
        return {"description": "Done.", "content": {one.media: {"schema": {"type": kind}}}}
    return _answer(one, schema_of, one.gives)


def _answer(one: Endpoint, schema_of: dict[Any, Any], kind: Any) -> dict[str, Any]:
    """Describe an answer with a value, or without one, which is a refusal."""
    if kind is None:
        return _refusal(one, "It is too late, or somebody was quicker.")
    content: dict[str, Any] = {"application/json": {"schema": schema_of[kind]}}
    if one.page:
        content[_HTML] = {"schema": {"type": "string"}}
    return {"description": "Done.", "content": content}


_WHY = {
    400: "The request cannot be read.",
    401: "A token is missing, or is not good here.",
    403: "The token's role may not do this.",
    404: "There is nothing of that name.",
    406: "The page has no form that is wanted.",
    408: "The body does not come.",
    409: "It is too late, or somebody was quicker.",
    411: "The length of the body is missing.",
    413: "The body is too large.",
    415: "The body is not of the kind that is taken.",
    422: "It can be read and not followed; ``error`` says which part.",
    503: "The farm's database or bus does not answer; ask again later.",
    507: "The farm's disk is full.",
}


def _refusals(one: Endpoint) -> dict[str, Any]:
    return {str(status): _refusal(one, _WHY[status]) for status in sorted(_refused(one))}


def _refused(one: Endpoint) -> set[int]:
    """Return with which statuses an endpoint may refuse, by what it takes."""
    found = {400, 503}
    if not isinstance(one.allowed, Anybody):
        found |= {401, 403}
    if _PART.search(one.path):
        found |= {404, 422}
    if one.query:
        found |= {404, 422}
    if one.body is not None:
        found |= {404, 408, 411, 413, 415, 422, 507}
    if one.method == "POST" and 409 not in dict(one.also):  # noqa: PLR2004 - conflict
        found.add(409)
    if one.page:
        found.add(406)
    if one.page and one.body is not None:
        found |= {401, 403, 404, 415}
    return found


def _refusal(one: Endpoint, why: str) -> dict[str, Any]:
    content: dict[str, Any] = {
        "application/json": {"schema": {"$ref": _REFERENCE.format(name="Refusal")}}
    }
    if not one.path.startswith(INTERFACE):
        # For people a refusal is a page, wherever they are not in the interface of programs.
        content[_HTML] = {"schema": {"type": "string"}}
    return {"description": why, "content": content}


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
