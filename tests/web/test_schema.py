"""The interface is what its description says, whatever is sent to it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import checks, openapi
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from web.place import Place, open_place
from wheelyard.farm_ports import Role

pytestmark = pytest.mark.anyio
EXAMPLES = 6
SECONDS = 10
ENDLESS = "text/event-stream"
CHECKS = [
    checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture
async def farm(tmp_path: Path) -> AsyncIterator[Place]:
    async with open_place(tmp_path, kind="sqlite", public=True) as opened:
        yield opened


def examine(operation: Any, address: str, headers: dict[str, str], known: dict[str, str]) -> None:
    """Send a few requests that fit an operation, some of them for what there is."""

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), real=st.booleans(), html=st.booleans())
    def ask(case: "schemathesis.Case[Any]", real: bool, html: bool) -> None:
        if real:
            parts = case.path_parameters or {}
            case.path_parameters = {**parts, **{k: v for k, v in known.items() if k in parts}}
        if case.path.endswith("/orders"):
            case.query = {**(case.query or {}), "wait": 0}
        accept = "text/html" if html else "application/json"
        case.call_and_validate(
            base_url=address,
            headers={**headers, "Accept": accept},
            checks=CHECKS,
            timeout=SECONDS,
            allow_redirects=False,
        )

    ask()


async def test_answers_are_as_the_interface_describes_them(farm: Place) -> None:
    await farm.leased("k1" * 8)
    await farm.submit("k2" * 8)
    await farm.builder("arm-1")
    administrator = await farm.bearer(Role.ADMINISTRATOR)
    builder = {"Authorization": f"Bearer {await farm.mint.for_builder('arm-1')}"}
    known = {"key": "k2" * 8, "builder": "arm-1", "name": "arm-1", "project": "six", "number": "1"}
    schema = openapi.from_dict((await farm.client.get("/api/openapi.json")).json())
    address = str(farm.client.base_url).rstrip("/")
    found: list[str] = []
    for result in schema.get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr]
        if ENDLESS in str(operation.definition.raw):
            continue
        roles = operation.definition.raw.get("x-roles", [])
        headers = builder if roles == ["builder"] else administrator
        try:
            await asyncio.to_thread(examine, operation, address, headers, known)
        except BaseExceptionGroup as error:
            found.append(f"{operation.label}: {'; '.join(map(str, error.exceptions))}")
    assert not found, "\n\n".join(found)
