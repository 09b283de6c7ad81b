"""A build that fails says why, and whose fault it is."""

from pathlib import Path

import pytest

from executor.yard import PATCH, MakeYard, Yard
from wheelyard.model.job import Outcome
from wheelyard.model.recipe import Patch, Recipe
from wheelyard.targets.target import Target

pytestmark = pytest.mark.anyio


async def test_a_disk_that_fills_under_uv_is_a_matter_of_resources(
    make_yard: MakeYard, tmp_path: Path
) -> None:
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\nhead -c 1 /dev/zero > /dev/full\nexit 2\n")
    uv.chmod(0o755)
    yard = make_yard(state=tmp_path / "state", uv=uv)

    report = await yard.run(yard.offer())

    assert report.outcome is Outcome.RESOURCES
    assert "No space left on device" in report.reason
    assert not report.limited


async def test_a_back_end_outside_of_its_backend_path_is_refused(warm: Yard) -> None:
    offer = warm.offer(
        files={"pyproject.toml": '[build-system]\nbuild-backend = "json"\nbackend-path = ["."]'}
    )

    report = await warm.run(offer)

    assert report.outcome is Outcome.FAILED
    assert "does not lie in backend-path" in report.reason


async def test_requirements_that_are_not_there_stop_the_build_and_are_told(yard: Yard) -> None:
    asked = 'tinyback>=1\nsix>2\nnothere; python_version < "3"'

    report = await yard.run(yard.offer(files={"requires.txt": asked}))

    assert report.outcome is Outcome.NEEDS
    assert report.needs == tuple(asked.split("\n"))
    assert report.reason == "needs six>2"


async def test_requirements_that_are_there_do_not_stop_it(warm: Yard) -> None:
    report = await warm.run(warm.offer(files={"requires.txt": "tinyback>=1"}))

    assert report.outcome is Outcome.BUILT


async def test_nonsense_from_get_requires_is_the_packages_fault(warm: Yard) -> None:
    report = await warm.run(warm.offer(files={"requires.txt": "not a requirement !"}))

    assert report.outcome is Outcome.FAILED
    assert "not a requirement !" in report.reason


async def test_a_failure_has_a_reason_and_the_end_of_its_log(yard: Yard) -> None:
    report = await yard.run(yard.offer("raise RuntimeError('no such luck')"))

    assert report.outcome is Outcome.FAILED
    assert report.reason == "RuntimeError: no such luck"
    assert "Traceback" in report.detail


async def test_a_reason_from_the_log_goes_before_the_exception(warm: Yard) -> None:
    report = await warm.run(
        warm.offer("print('fatal error: Python.h: No such file'); raise SystemExit(1)")
    )

    assert report.reason == "Python.h not found"


async def test_a_reason_is_found_although_other_compilers_went_on(warm: Yard) -> None:
    hook = """
        print('fatal error: Python.h: No such file')
        for _ in range(1000):
            print('one.cpp:1:1: warning: it may be used uninitialized', 'in a template' * 8)
        raise SystemExit(1)
    """

    assert (await warm.run(warm.offer(hook))).reason == "Python.h not found"


async def test_a_failure_names_what_its_recipe_says_that_the_system_must_have(warm: Yard) -> None:
    recipe = Recipe(system_packages=("libfoo-dev", "bar"))

    report = await warm.run(warm.offer("raise SystemExit(1)", recipe=recipe))

    assert report.outcome is Outcome.FAILED
    assert "apt install libfoo-dev bar" in report.hint


async def test_a_crash_is_told_with_its_signal(yard: Yard) -> None:
    report = await yard.run(yard.offer("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"))

    assert report.outcome is Outcome.FAILED
    assert report.reason == "ended by SIGSEGV"


async def test_a_patch_that_does_not_apply_fails_the_job(warm: Yard) -> None:
    recipe = Recipe(patches=(Patch(name="value", text=PATCH.replace("VALUE = 1", "VALUE = 7")),))

    report = await warm.run(warm.offer(recipe=recipe))

    assert report.outcome is Outcome.FAILED
    assert report.reason.startswith("the patch 'value' does not apply: hunk 1 of")


async def test_what_is_missing_from_the_blobs_is_not_the_packages_fault(warm: Yard) -> None:
    lost = warm.wheel("lost", {})
    offer = warm.offer(requirements=(lost,))
    await warm.blobs.remove(lost.digest)

    report = await warm.run(offer)

    assert report.outcome is Outcome.INFRASTRUCTURE
    assert "lost-1.0-py3-none-any.whl" in report.reason


async def test_a_target_without_an_interpreter_is_refused(warm: Yard) -> None:
    report = await warm.run(warm.offer(target=Target.parse("cp35-linux_x86_64")))

    assert report.outcome is Outcome.REFUSED
    assert "cp35" in report.reason


async def test_what_no_environment_can_be_made_of_is_told_with_what_to_do(warm: Yard) -> None:
    broken = warm.wheel("broken", {})
    path = warm.blobs.path(broken.digest)
    assert path is not None
    path.write_bytes(b"no wheel")

    report = await warm.run(warm.offer(requirements=(warm.backend(), broken)))

    assert report.outcome is Outcome.INFRASTRUCTURE
    assert report.hint
