"""The interface describes itself, and the page says the same."""

import re
from pathlib import Path

import pytest

from web.place import Place
from wheelyard.farm_ports import Role
from wheelyard.web.access import ANYBODY
from wheelyard.web.endpoint import Endpoint

pytestmark = pytest.mark.anyio
REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
PAGES = ("http-api.md", "site.md")
ADDRESS = re.compile(r"(GET|HEAD|POST|PUT) (/[^`?]*)")
ROW = re.compile(r"^\| `(\w+ /\S*)` \| (\w+) \| (.*) \|$", re.MULTILINE)
PEOPLE = (Role.READER, Role.REQUESTER, Role.OPERATOR, Role.ADMINISTRATOR)


def name_of(endpoint: Endpoint) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: match[1].upper(), endpoint.name)


def who(endpoint: Endpoint) -> str:
    if endpoint.allowed is ANYBODY:
        return "anybody"
    return next((role.value for role in PEOPLE if role in endpoint.allowed), "")


async def test_every_endpoint_is_described(memory_place: Place) -> None:
    said = (await memory_place.client.get("/api/openapi.json")).json()
    found = {
        f"{method.upper()} {path}" for path, methods in said["paths"].items() for method in methods
    }
    assert found == {one.name for one in memory_place.app.endpoints}
    references = set(re.findall(r"#/components/schemas/(\w+)", str(said)))
    assert references <= set(said["components"]["schemas"])
    assert said["paths"]["/api/tokens"]["post"]["x-roles"] == ["administrator"]
    assert said["paths"]["/healthz"]["get"]["security"] == []


async def test_the_pages_have_every_endpoint_and_no_other(memory_place: Place) -> None:
    page = "\n".join((REFERENCE / name).read_text("utf-8") for name in PAGES)
    headings = [line for line in page.splitlines() if line.startswith("### `")]
    of_builders = {
        f"{method.replace('HEAD', 'GET')} {path}"
        for line in headings
        for method, path in ADDRESS.findall(line)
    }
    rows = {address: (role, says) for address, role, says in ROW.findall(page)}
    table = {name_of(one): one for one in memory_place.app.endpoints}
    assert of_builders | rows.keys() == table.keys()
    for address, (role, says) in rows.items():
        assert (role, says) == (who(table[address]), table[address].says), address
