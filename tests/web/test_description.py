"""The interface describes itself, and the page says the same."""

import re
from pathlib import Path

import pytest

from web.place import Place

pytestmark = pytest.mark.anyio
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "http-api.md"


async def test_every_endpoint_is_described(memory_place: Place) -> None:
    said = (await memory_place.client.get("/api/openapi.json")).json()
    found = {
        f"{method.upper()} {path}" for path, methods in said["paths"].items() for method in methods
    }
    assert found == {one.name for one in memory_place.app.endpoints}
    schemas = said["components"]["schemas"]
    references = set(re.findall(r"#/components/schemas/(\w+)", str(said)))
    assert references <= set(schemas)
    assert said["paths"]["/api/tokens"]["post"]["x-roles"] == ["administrator"]


async def test_the_page_has_every_endpoint_and_no_other(memory_place: Place) -> None:
    written = re.findall(
        r"^### `(\w+(?:, `?\w+)?)`? ?`?(/[^`?]*)", PAGE.read_text("utf-8"), re.MULTILINE
    )
    found = {f"{methods.split(',')[0]} {path}" for methods, path in written}
    table = {
        re.sub(r"\{(\w+)\}", lambda m: m[1].upper(), one.name) for one in memory_place.app.endpoints
    }
    assert found == table
