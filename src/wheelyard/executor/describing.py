"""The step that asks a back end what it would build, where only it knows (PEP 517).

The hook for metadata is asked; where a back end has none, a wheel is built and read.
"""

from dataclasses import replace
from pathlib import Path

from wheelyard.executor.attempt import INSIDE, OUTPUT, Attempt, State, known
from wheelyard.executor.folders import regular_file
from wheelyard.executor.outcomes import Stopped
from wheelyard.executor.steps import ask_requirements, call_build, hook, judge, preload, told
from wheelyard.executor.wheelfile import inspect_wheel
from wheelyard.model.job import Outcome, StepName

_LARGEST = 64 << 20


async def ask_metadata(attempt: Attempt, state: State) -> State:
    """Ask for requirements and metadata, in one session."""
    inside = attempt.folder / INSIDE
    environment = known(state.environment)
    async with attempt.running(environment, preload(attempt, state), inside) as running:
        async with attempt.step(StepName.REQUIREMENTS):
            await ask_requirements(attempt, state, running)
        async with attempt.step(StepName.BUILD):
            call = hook(attempt, state, running, "prepare_metadata_for_build_wheel")
            answer = await running.call(call)
            judge(attempt, answer)
            wheel = "" if answer.returned else await call_build(attempt, state, running)
    if wheel:
        return replace(state, metadata=await told(lambda: _of_wheel(inside, wheel)))
    return replace(state, metadata=await told(lambda: _of_folder(inside, str(answer.returned))))


def _of_folder(inside: Path, name: str) -> bytes:
    """Read the METADATA of the ``dist-info`` folder that a back end wrote."""
    found = regular_file(inside, OUTPUT, name, "METADATA")
    if found is None or found.stat().st_size > _LARGEST:
        raise Stopped(
            Outcome.FAILED, f"the back end returned {name[:200]!r}, which has no METADATA"
        )
    return found.read_bytes()


def _of_wheel(inside: Path, name: str) -> bytes:
    found = regular_file(inside, OUTPUT, name)
    if found is None or not name.endswith(".whl"):
        raise Stopped(Outcome.FAILED, f"the back end returned {name[:200]!r}, which is no wheel")
    return inspect_wheel(found).metadata
