"""A source becomes a wheel, in each kind of isolation."""

import asyncio
import sys
from dataclasses import replace

import pytest

from executor.yard import HERE, PATCH, Yard
from wheelyard.model.artifact import Origin
from wheelyard.model.job import Outcome, StepName
from wheelyard.model.recipe import Patch, Recipe
from wheelyard.targets.target import Target

pytestmark = pytest.mark.anyio


async def test_a_source_becomes_a_stored_wheel(yard: Yard) -> None:
    report = await yard.run(yard.offer("print('building')"))

    assert report.outcome is Outcome.BUILT, report.reason
    assert report.artifact is not None
    assert report.artifact.filename == "demo-1.0-py3-none-any.whl"
    assert report.artifact.origin is Origin.BUILT
    assert yard.blobs.path(report.artifact.digest) is not None
    assert b"Name: demo" in await yard.blobs.read(report.artifact.metadata_digest)
    assert [step.name for step in report.steps] == list(StepName)
    log = await yard.log(report)
    assert "building" in log
    assert all(f"[wheelyard] {step}: " in log for step in StepName)
    assert report.cpu_seconds > 0
    assert report.peak_memory_bytes > 0


async def test_start_of_a_warm_interpreter_is_in_the_step_of_its_environment(warm: Yard) -> None:
    slow = warm.wheel(
        "slowback", {"slowback.py": "import time\ntime.sleep(0.5)\nfrom tinyback import *\n"}
    )
    table = '[build-system]\nrequires = []\nbuild-backend = "slowback"\n'
    offer = warm.offer(files={"pyproject.toml": table})

    report = await warm.run(replace(offer, requirements=(*offer.requirements, slow)))

    assert report.outcome is Outcome.BUILT, report.reason
    assert [step.name for step in report.steps] == list(StepName)
    seconds = {step.name: step.seconds for step in report.steps}
    assert seconds[StepName.ENVIRONMENT] >= 0.5


@pytest.mark.parametrize("named", ["tree:0123", "git:0123"])
async def test_a_source_that_is_named_by_its_tree_is_built(yard: Yard, named: str) -> None:
    offer = yard.offer()

    report = await yard.run(replace(offer, source=replace(offer.source, digest=named)))

    assert report.outcome is Outcome.BUILT, report.reason


async def test_a_back_end_in_the_tree_is_used(yard: Yard) -> None:
    report = await yard.run(yard.offer(in_tree=True))

    assert report.outcome is Outcome.BUILT, report.reason


async def test_the_build_folder_and_the_variables_are_the_same_everywhere(warm: Yard) -> None:
    hook = """
        import os, sys, tempfile
        print("cwd", os.getcwd())
        for name in ("SOURCE_DATE_EPOCH", "PYTHONHASHSEED", "LC_ALL", "HOME", "CARGO_NET_RETRY", "MINE"):
            print(name, os.environ.get(name))
        print("umask", oct(os.umask(0o022)), tempfile.gettempdir(), config_settings)
        print("path", [p for p in sys.path if "build" in p])
    """
    recipe = Recipe(environment={"MINE": "yes"}, config_settings={"a": "b", "c": ("d", "e")})

    log = await warm.log(await warm.run(warm.offer(hook, recipe=recipe, source_date_epoch=7)))

    assert "cwd /build/source/demo-1.0" in log
    assert "SOURCE_DATE_EPOCH 7" in log
    assert "PYTHONHASHSEED 0" in log
    assert "CARGO_NET_RETRY 0" in log
    assert "LC_ALL C.UTF-8" in log
    assert "HOME /build/home" in log
    assert "MINE yes" in log
    assert "umask 0o22 /build/tmp {'a': 'b', 'c': ['d', 'e']}" in log
    assert "path []" in log


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="distutils is there no more")
async def test_what_is_compiled_carries_no_debugging_information(warm: Yard) -> None:
    hook = """
        import pathlib
        from distutils.core import Distribution, Extension
        pathlib.Path("part.c").write_text("int answer(void) { return 42; }")
        build = Distribution({"ext_modules": [Extension("part", ["part.c"])]}).get_command_obj("build_ext")
        build.ensure_finalized()
        build.run()
        (made,) = pathlib.Path("build").rglob("part.o")
        print("debugging:", b".debug_info" in made.read_bytes())
    """

    report = await warm.run(warm.offer(hook))

    assert report.outcome is Outcome.BUILT, report.reason
    assert "debugging: False" in await warm.log(report)


async def test_a_back_end_is_loaded_once_and_remembers_nothing(warm: Yard) -> None:
    hook = "print('loaded at', LOADED_AT, 'seen', len(SEEN))"
    first = await warm.log(await warm.run(warm.offer(hook)))
    second = await warm.log(await warm.run(warm.offer(hook, name="other")))

    lines = [
        next(line for line in log.splitlines() if "loaded at" in line) for log in (first, second)
    ]
    assert lines[0] == lines[1]
    assert lines[0].endswith("seen 1")


async def test_a_recipe_with_variables_gets_a_back_end_that_is_loaded_with_them(warm: Yard) -> None:
    hook = "print('loaded at', LOADED_AT)"
    recipe = Recipe(environment={"A": "b"})
    logs = [
        await warm.log(await warm.run(warm.offer(hook, name=name, recipe=recipe))) for name in "xy"
    ]

    lines = [next(line for line in log.splitlines() if "loaded at" in line) for log in logs]
    assert lines[0] != lines[1]


async def test_the_streams_of_a_build_are_those_of_its_log(yard: Yard) -> None:
    hook = """
        import subprocess, sys
        print("said first")
        subprocess.check_call(["echo", "said second"])
        for stream in (sys.stdout, sys.stderr):
            print(stream.seekable(), stream.fileno(), stream.encoding, stream.errors, file=stream)
            stream.reconfigure(errors="replace")
    """

    report = await yard.run(yard.offer(hook))

    assert report.outcome is Outcome.BUILT, report.reason
    log = await yard.log(report)
    assert log.index("said first") < log.index("said second")
    assert "False 1 utf-8" in log
    assert "False 2 utf-8 backslashreplace" in log


async def test_patches_are_applied_before_the_build(warm: Yard) -> None:
    recipe = Recipe(
        patches=(Patch(name="value", text=PATCH),),
        test='python -c "import demo; assert demo.VALUE == 2"',
    )

    report = await warm.run(warm.offer(recipe=recipe))

    assert report.outcome is Outcome.BUILT, await warm.log(report)


async def test_a_build_on_a_seed_is_a_bootstrap(warm: Yard) -> None:
    seed = replace(warm.backend(), origin=Origin.SEED)

    report = await warm.run(warm.offer(requirements=(seed,)))

    assert report.artifact is not None
    assert report.artifact.origin is Origin.BOOTSTRAP


async def test_what_a_job_says_is_told_while_it_runs(warm: Yard) -> None:
    await warm.run(warm.offer("print('hello from the hook')"))

    assert any(p.step is StepName.BUILD and p.line == "hello from the hook" for p in warm.lines)
    assert str(Target.parse(HERE)) == HERE


async def test_several_jobs_at_once_do_not_mix(yard: Yard) -> None:
    offers = [yard.offer(f"print('I am {name}')", name=name) for name in ("one", "two", "three")]

    reports = await asyncio.gather(*(yard.run(offer) for offer in offers))

    for name, report in zip(("one", "two", "three"), reports, strict=True):
        assert report.artifact is not None
        assert report.artifact.filename.startswith(name)
        assert (await yard.log(report)).count("I am ") == 1
