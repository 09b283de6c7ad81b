"""What a recipe runs around a build, adds to its flags, and takes out of its wheel."""

import io
import zipfile

import pytest

from executor.yard import Yard
from wheelyard.model.job import Outcome, Report
from wheelyard.model.recipe import Recipe

pytestmark = pytest.mark.anyio


async def _files(yard: Yard, report: Report) -> dict[str, bytes]:
    assert report.outcome is Outcome.BUILT, report.reason
    assert report.artifact is not None
    content = await yard.blobs.read(report.artifact.digest)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


async def test_what_a_script_before_exports_is_there_for_the_build_and_its_flags(
    yard: Yard,
) -> None:
    recipe = Recipe(
        before="export GRID=/some/where\necho made > made.txt",
        cflags=("-I$(GRID)/include", "-O1"),
        environment={"CFLAGS": "-g0"},
    )
    hook = """
    import os
    print("flags", os.environ["CFLAGS"], "grid", os.environ["GRID"], open("made.txt").read())
    """
    report = await yard.run(yard.offer(hook, recipe=recipe))

    assert report.outcome is Outcome.BUILT, report.reason
    assert "flags -g0 -I/some/where/include -O1 grid /some/where made" in await yard.log(report)


async def test_a_script_after_changes_the_wheel_and_its_record(yard: Yard) -> None:
    recipe = Recipe(after="mkdir extra && echo VALUE=2 > extra/__init__.py")
    files = await _files(yard, await yard.run(yard.offer(recipe=recipe)))

    assert files["extra/__init__.py"] == b"VALUE=2\n"
    assert b"extra/__init__.py,sha256=" in files["demo-1.0.dist-info/RECORD"]


async def test_a_script_that_fails_is_named(yard: Yard) -> None:
    report = await yard.run(yard.offer(recipe=Recipe(before="echo no; exit 3")))

    assert report.outcome is Outcome.FAILED
    assert report.reason.startswith("the recipe's script 'before' failed")


async def test_tests_are_taken_out_but_for_what_is_kept(yard: Yard) -> None:
    files = {"src/test_demo.py": "", "src/test_support.py": "", "src/conftest.py": ""}
    recipe = Recipe(drop_tests=True, keep=("*_support.py",))
    found = await _files(yard, await yard.run(yard.offer(files=files, recipe=recipe)))

    assert {name for name in found if name.endswith(".py")} == {"demo.py", "test_support.py"}
    assert b"test_demo" not in found["demo-1.0.dist-info/RECORD"]
