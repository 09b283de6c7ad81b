"""A build is repeated: by the line that its report has, or for the same bytes."""

import asyncio
import subprocess
from pathlib import Path

import pytest

from executor.yard import PATCH, Yard
from wheelyard.model.job import Outcome
from wheelyard.model.recipe import Patch, Recipe

pytestmark = pytest.mark.anyio


async def test_a_reproducible_build_is_silent_and_another_is_explained(warm: Yard) -> None:
    steady = await warm.run(warm.offer(check_reproducible=True))
    hook = "import os; open('src/demo.py', 'a').write('X = %r\\n' % os.urandom(8).hex())"
    changing = await warm.run(warm.offer(hook, check_reproducible=True))

    assert steady.outcome is changing.outcome is Outcome.BUILT
    assert steady.irreproducible == ""
    assert changing.irreproducible.startswith('demo.py: line 2: "X = ')


async def test_the_line_that_repeats_a_build_works(warm: Yard, tmp_path: Path) -> None:
    recipe = Recipe(patches=(Patch(name="value", text=PATCH),), config_settings={"a": "it's"})
    report = await warm.run(warm.offer("print(config_settings)", recipe=recipe))

    done = await _in_a_shell(report.repeat)

    assert done.returncode == 0, done.stderr
    assert (Path(done.stdout.splitlines()[-1]) / "demo-1.0-py3-none-any.whl").is_file()
    assert "it's" in done.stdout


async def test_the_line_that_repeats_a_build_takes_secrets_from_its_shell(warm: Yard) -> None:
    environment = {"API_TOKEN": "hush-hush", "CFLAGS": "-O1"}
    hook = "import os; assert os.environ['API_TOKEN'] == 'hush-hush'"

    report = await warm.run(warm.offer(hook, recipe=Recipe(environment=environment)))

    assert report.outcome is Outcome.BUILT, report.detail
    assert "hush-hush" not in str(report)
    assert "CFLAGS=-O1" in report.repeat
    without = await _in_a_shell(report.repeat)
    assert without.returncode != 0
    assert "API_TOKEN" in without.stderr
    assert (await _in_a_shell(f"API_TOKEN=hush-hush; {report.repeat}")).returncode == 0


async def test_secrets_of_a_recipe_that_a_build_prints_are_nowhere_to_be_read(warm: Yard) -> None:
    environment = {"API_TOKEN": "hush-hush", "INDEX": "https://me:sesame1@a.invalid/x"}
    hook = """
    import os, sys
    secret = os.environ["API_TOKEN"]
    os.write(1, secret[:4].encode()); os.write(1, secret[4:].encode() + b" and on\\n")
    os.write(1, os.environ["INDEX"].encode() + b"\\nsesame1 alone\\n")
    raise SystemError("cannot log in with " + secret)
    """

    report = await warm.run(warm.offer(hook, recipe=Recipe(environment=environment)))
    log = await warm.log(report)

    assert report.outcome is Outcome.FAILED
    for text in (log, str(report), str(warm.lines)):
        assert "cannot log in with …" in text
        assert "hush" not in text
        assert "sesame1" not in text
    assert "… and on" in log


async def _in_a_shell(line: str) -> "subprocess.CompletedProcess[str]":
    return await asyncio.to_thread(
        subprocess.run, ["sh", "-c", line], capture_output=True, text=True, check=False
    )
