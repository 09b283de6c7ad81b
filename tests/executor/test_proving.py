"""What a wheel must pass once it is built: its imports, and the test of its recipe."""

from typing import Any

import pytest

from executor.yard import Yard
from wheelyard.model.job import Outcome, Verdict
from wheelyard.model.recipe import Recipe

pytestmark = pytest.mark.anyio


async def test_what_the_test_of_a_recipe_lacks_is_no_build_requirement(warm: Yard) -> None:
    report = await warm.run(warm.offer(recipe=Recipe(test="python -c 'import nothere'")))

    assert report.outcome is Outcome.FAILED
    assert "nothere" in report.reason
    assert "build" not in report.reason
    assert "test-requires" in report.hint


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
