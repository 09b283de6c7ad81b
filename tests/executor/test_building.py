"""A source becomes a wheel, in each kind of isolation."""

import asyncio
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from executor.yard import HERE, MakeYard, Yard
from wheelyard.executor.settings import Sandbox
from wheelyard.model.artifact import Origin
from wheelyard.model.job import Outcome, StepName, Verdict
from wheelyard.model.recipe import Patch, Recipe
from wheelyard.targets.target import Target

pytestmark = pytest.mark.anyio

PATCH = """--- a/src/demo.py
+++ b/src/demo.py
@@ -1 +1 @@
-VALUE = 1
+VALUE = 2
"""


@pytest.fixture
def warm(make_yard: MakeYard) -> Yard:
    return make_yard(sandbox=Sandbox.REQUIRE)


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


async def test_a_back_end_outside_of_its_backend_path_is_refused(warm: Yard) -> None:
    offer = warm.offer(
        files={"pyproject.toml": '[build-system]\nbuild-backend = "json"\nbackend-path = ["."]'}
    )

    report = await warm.run(offer)

    assert report.outcome is Outcome.FAILED
    assert "does not lie in backend-path" in report.reason


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


async def test_what_the_test_of_a_recipe_lacks_is_no_build_requirement(warm: Yard) -> None:
    report = await warm.run(warm.offer(recipe=Recipe(test="python -c 'import nothere'")))

    assert report.outcome is Outcome.FAILED
    assert "nothere" in report.reason
    assert "build" not in report.reason
    assert "test-requires" in report.hint


async def test_a_crash_is_told_with_its_signal(yard: Yard) -> None:
    report = await yard.run(yard.offer("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"))

    assert report.outcome is Outcome.FAILED
    assert report.reason == "ended by SIGSEGV"


async def test_patches_are_applied_before_the_build(warm: Yard) -> None:
    recipe = Recipe(
        patches=(Patch(name="value", text=PATCH),),
        test='python -c "import demo; assert demo.VALUE == 2"',
    )

    report = await warm.run(warm.offer(recipe=recipe))

    assert report.outcome is Outcome.BUILT, await warm.log(report)


async def test_a_patch_that_does_not_apply_fails_the_job(warm: Yard) -> None:
    recipe = Recipe(patches=(Patch(name="value", text=PATCH.replace("VALUE = 1", "VALUE = 7")),))

    report = await warm.run(warm.offer(recipe=recipe))

    assert report.outcome is Outcome.FAILED
    assert report.reason.startswith("the patch 'value' does not apply: hunk 1 of")


async def test_a_wheel_that_cannot_be_imported_fails(yard: Yard) -> None:
    report = await yard.run(yard.offer(files={"src/demo.py": "import nowhere_at_all\n"}))

    assert report.outcome is Outcome.FAILED
    assert (
        report.reason == "import demo failed: ModuleNotFoundError: No module named 'nowhere_at_all'"
    )
    assert report.artifact is None


async def test_a_wheel_that_fails_as_upstreams_does_is_a_warning(warm: Yard) -> None:
    files = {"src/demo.py": "import nowhere_at_all\n"}

    report = await warm.run(warm.offer(files=files, upstream_files=("demo.py",)))

    assert report.outcome is Outcome.BUILT, report.reason
    assert [finding.check for finding in report.findings] == ["import"]


async def test_a_second_module_that_cannot_be_imported_is_a_warning(yard: Yard) -> None:
    report = await yard.run(
        yard.offer(
            files={
                "src/demo_extra.py": "import nowhere_at_all\n",
                "src/zeta.py": "print('zeta is here')",
            }
        )
    )

    assert report.outcome is Outcome.BUILT, report.reason
    assert [(finding.check, finding.verdict) for finding in report.findings] == [
        ("import", Verdict.WARN)
    ]
    assert "demo_extra" in report.findings[0].message
    assert "zeta is here" in await yard.log(report)


async def test_a_module_that_a_cycle_withholds_is_a_warning(warm: Yard) -> None:
    offer = warm.offer(files={"src/demo.py": "import not_yet\n"}, test_partial=("not-yet",))

    report = await warm.run(offer)

    assert report.outcome is Outcome.BUILT
    assert [(finding.check, finding.verdict) for finding in report.findings] == [
        ("import", Verdict.WARN)
    ]


async def test_the_import_sees_the_test_requirements_and_nothing_else(yard: Yard) -> None:
    helpful = yard.wheel("helpful", {"helpful.py": "ANSWER = 42\n"})
    source = "import helpful\ntry:\n    import tinyback\nexcept ImportError:\n    pass\nelse:\n    raise SystemExit('leak')\n"

    report = await yard.run(yard.offer(files={"src/demo.py": source}, test_requirements=(helpful,)))

    assert report.outcome is Outcome.BUILT, report.reason


async def test_the_recipes_test_decides(warm: Yard) -> None:
    good = Recipe(test="python -c 'import demo' && test -f pyproject.toml")
    bad = Recipe(test="echo about to fail; exit 3")

    assert (await warm.run(warm.offer(recipe=good))).outcome is Outcome.BUILT
    report = await warm.run(warm.offer("print('adding a file')", recipe=bad))
    assert report.outcome is Outcome.FAILED
    assert "adding a file" in await warm.log(report)
    assert "adding a file" not in report.detail
    assert report.reason == "its test failed (exit status 3)"
    assert "about to fail" in report.detail


async def test_the_recipes_test_has_what_it_requires_and_the_import_has_not(yard: Yard) -> None:
    checker = yard.wheel("checker", {"checker.py": "def check(value): assert value == 1\n"})
    source = (
        "VALUE = 1\ntry:\n    import checker\nexcept ImportError:\n    pass\nelse:\n    SEEN = 1\n"
    )
    proof = "import checker, demo; checker.check(demo.VALUE); print('checked in', __import__('sys').prefix)"
    recipe = Recipe(test=f'python -c "{proof}" && python -c "import helpful"')
    beside: dict[str, Any] = {
        "test_requirements": (yard.wheel("helpful", {"helpful.py": ""}),),
        "test_tools": (checker,),
    }

    report = await yard.run(yard.offer(files={"src/demo.py": source}, recipe=recipe, **beside))
    without = await yard.run(yard.offer(files={"src/demo.py": source}, recipe=recipe))
    leaky = {"src/demo.py": source + "if 'SEEN' in globals():\n    raise SystemExit('leak')\n"}
    imported = await yard.run(yard.offer(files=leaky, recipe=Recipe(test="true"), **beside))

    assert report.outcome is Outcome.BUILT, report.detail
    assert "checked in" in await yard.log(report)
    assert without.outcome is Outcome.FAILED
    assert imported.outcome is Outcome.BUILT, imported.reason


async def test_a_test_without_what_it_requires_is_left_out_and_that_is_said(warm: Yard) -> None:
    offer = warm.offer(recipe=Recipe(test="exit 3"), test_tools_absent=("checker",))

    report = await warm.run(offer)

    assert report.outcome is Outcome.BUILT
    assert [(finding.check, finding.verdict) for finding in report.findings] == [
        ("test", Verdict.WARN)
    ]


async def test_an_import_can_be_turned_off_or_chosen(warm: Yard) -> None:
    broken = {"src/demo.py": "1/0\n", "src/fine.py": ""}

    for imports in ((), ("fine",)):
        report = await warm.run(warm.offer(files=broken, recipe=Recipe(imports=imports)))
        assert report.outcome is Outcome.BUILT, report.reason


async def test_a_build_on_a_seed_is_a_bootstrap(warm: Yard) -> None:
    seed = replace(warm.backend(), origin=Origin.SEED)

    report = await warm.run(warm.offer(requirements=(seed,)))

    assert report.artifact is not None
    assert report.artifact.origin is Origin.BOOTSTRAP


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

    done = await asyncio.to_thread(
        subprocess.run, ["sh", "-c", report.repeat], capture_output=True, text=True, check=False
    )

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


async def test_what_no_environment_can_be_made_of_is_told_with_what_to_do(warm: Yard) -> None:
    broken = warm.wheel("broken", {})
    path = warm.blobs.path(broken.digest)
    assert path is not None
    path.write_bytes(b"no wheel")

    report = await warm.run(warm.offer(requirements=(warm.backend(), broken)))

    assert report.outcome is Outcome.INFRASTRUCTURE
    assert report.hint
