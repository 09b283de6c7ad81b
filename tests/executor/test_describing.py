"""A back end says what it would build, in the sandbox, and nothing that it says is taken on trust."""

import pytest

from executor.yard import BACKEND, MakeYard, Yard
from wheelyard.model.job import Outcome
from wheelyard.ports import Described

pytestmark = pytest.mark.anyio

HOOK = """
def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    {}
"""
WRITES = """import os
    folder = os.path.join(metadata_directory, "demo-9.dist-info")
    os.mkdir(folder)
    open(os.path.join(folder, "METADATA"), "w").write("Name: demo\\nVersion: 9\\n")
    return "demo-9.dist-info"
"""


async def described(yard: Yard, hook: str = "", files: dict[str, str] | None = None) -> Described:
    offer = yard.offer(files=files, in_tree=True)
    if hook:
        backend = BACKEND + HOOK.format(hook)
        offer = yard.offer(files=(files or {}) | {"tinyback.py": backend}, in_tree=True)
    return await yard.executor.describe(offer, yard.lines.append)


async def test_metadata_comes_from_the_hook(yard: Yard) -> None:
    found = await described(yard, WRITES)
    assert found.metadata == b"Name: demo\nVersion: 9\n"


async def test_back_end_without_the_hook_builds_a_wheel_that_is_read(yard: Yard) -> None:
    found = await described(yard)
    assert found.metadata
    assert b"Version: 1.0" in found.metadata


async def test_what_a_back_end_needs_first_is_told(yard: Yard) -> None:
    found = await described(yard, files={"requires.txt": "missing>=2"})
    assert found.metadata is None
    assert found.report.outcome is Outcome.NEEDS
    assert found.report.needs == ("missing>=2",)


@pytest.mark.parametrize(
    ("hook", "reason"),
    [
        ("raise ValueError('no idea')", "no idea"),
        ("return '../../../etc'", "has no METADATA"),
        ("return 'nowhere.dist-info'", "has no METADATA"),
        (
            "import os; os.symlink('/etc', os.path.join(metadata_directory, 'x')); return 'x'",
            "has no METADATA",
        ),
        ("return 3", "has no METADATA"),
    ],
)
async def test_hook_that_gives_nothing_fails_with_a_reason(
    make_yard: MakeYard, hook: str, reason: str
) -> None:
    found = await described(make_yard(), hook)
    assert found.metadata is None
    assert found.report.outcome is Outcome.FAILED
    assert reason in found.report.reason
