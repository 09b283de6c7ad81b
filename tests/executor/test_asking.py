"""What a back end is asked before it builds, and in which process."""

from dataclasses import replace

import pytest

from executor.yard import BACKEND, Yard
from wheelyard.model.job import Offer, Outcome, StepName

pytestmark = pytest.mark.anyio

# In a sandbox process ids begin with 1, so that they tell who is whom within one job.
_TELLING = (
    BACKEND.replace("def get_requires_for_build_wheel", "def _asked").replace(
        "def build_wheel", "def _build"
    )
    + """
def get_requires_for_build_wheel(config_settings=None):
    print("asked in", os.getpid())
    return _asked()
def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    print("built in", os.getpid())
    return _build(wheel_directory, config_settings)
"""
)


def built_by(yard: Yard, module: str, files: dict[str, str] | None = None) -> Offer:
    """Offer a source whose back end has a name, and says in which process it does what."""
    package, _, name = module.partition(".")
    modules = {f"{package}/__init__.py": "", f"{package}/{name}.py": _TELLING}
    table = f'[build-system]\nrequires = []\nbuild-backend = "{module}"\n'
    offer = yard.offer(files={"pyproject.toml": table, **(files or {})})
    return replace(offer, requirements=(yard.wheel(package, modules),))


def processes(log: str) -> list[str]:
    return [line.rpartition(" ")[2] for line in log.splitlines() if " in " in line]


async def test_a_back_end_that_leaves_its_process_as_it_was_builds_where_it_was_asked(
    warm: Yard,
) -> None:
    report = await warm.run(built_by(warm, "flit_core.buildapi"))

    assert report.outcome is Outcome.BUILT, report.reason
    asked, built = processes(await warm.log(report))
    assert asked == built
    assert [step.name for step in report.steps] == list(StepName)


async def test_any_other_back_end_builds_in_a_process_of_its_own(warm: Yard) -> None:
    report = await warm.run(built_by(warm, "some.backend"))

    assert report.outcome is Outcome.BUILT, report.reason
    asked, built = processes(await warm.log(report))
    assert asked != built


async def test_what_is_asked_for_right_before_a_build_stops_it(warm: Yard) -> None:
    offer = built_by(warm, "flit_core.buildapi", {"requires.txt": "six>=1"})

    report = await warm.run(offer)

    assert report.outcome is Outcome.NEEDS
    assert report.needs == ("six>=1",)
    assert "built in" not in await warm.log(report)


async def test_an_empty_line_is_no_requirement(warm: Yard) -> None:
    report = await warm.run(warm.offer(files={"requires.txt": "tinyback\n"}))

    assert report.outcome is Outcome.FAILED
    assert "'', which is no requirement" in report.reason


async def test_what_is_asked_for_and_there_lets_it_be_built(warm: Yard) -> None:
    offer = built_by(warm, "flit_core.buildapi", {"requires.txt": "flit_core"})

    report = await warm.run(offer)

    assert report.outcome is Outcome.BUILT, report.reason
    assert "built in" in await warm.log(report)


@pytest.mark.parametrize(("project", "told"), [("cython", True), ("demo", False)])
async def test_only_what_is_made_for_it_compiles_in_parallel(
    warm: Yard, project: str, told: bool
) -> None:
    hook = "import os; print('told:', os.path.exists(os.path.expanduser('~/.pydistutils.cfg')))"

    report = await warm.run(warm.offer(hook, name=project))

    assert report.outcome is Outcome.BUILT, report.reason
    assert f"told: {told}" in await warm.log(report)
