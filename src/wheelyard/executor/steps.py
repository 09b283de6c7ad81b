"""The steps of a job up to its wheel: fetch, unpack, environment, requirements, build.

Each takes the attempt's tools and what the steps before it found, and answers with what is known now;
Stopped ends the attempt.
"""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from wheelyard.errors import (
    ConfigurationError,
    InvalidArchiveError,
    OutOfSpaceError,
    StoreError,
    ToolError,
)
from wheelyard.executor import across, catching, compiler_cache, emulating, scripts
from wheelyard.executor.attempt import (
    INSIDE,
    OUTPUT,
    SOURCE,
    Attempt,
    Binds,
    Running,
    State,
    known,
)
from wheelyard.executor.compiler_cache import CACHE, STATISTICS
from wheelyard.executor.environments import Environment
from wheelyard.executor.folders import regular_file
from wheelyard.executor.hosts import View
from wheelyard.executor.outcomes import Stopped, failure, printed_since, too_large
from wheelyard.executor.parallel import compile_in_parallel
from wheelyard.executor.patching import apply_patch
from wheelyard.executor.preload import may_build_where_it_was_asked, modules_of
from wheelyard.executor.projects import BuildSystem, read_build_system
from wheelyard.executor.requirements import invalid, unmet
from wheelyard.executor.sessions import Answer
from wheelyard.model.job import Outcome, StepName
from wheelyard.model.recipe import Patch
from wheelyard.targets.markers import marker_environment

T = TypeVar("T")
_ASKING = "get_requires_for_build_wheel"


async def fetch(attempt: Attempt, state: State) -> State:
    """See that everything that the offer names is in the blobs."""
    async with attempt.step(StepName.FETCH):
        offer = attempt.offer
        wheels = (*offer.requirements, *offer.host_requirements)
        wheels += (*offer.test_requirements, *offer.test_tools)
        wanted = [(offer.source.filename or offer.source.location, offer.source.archive)]
        wanted += [(wheel.filename, wheel.digest) for wheel in wheels]
        for name, digest in wanted:
            if attempt.shop.blobs.path(digest) is None:
                raise Stopped(Outcome.INFRASTRUCTURE, f"{name} is not in the blobs")
        return state


async def unpack(attempt: Attempt, state: State, name: str = INSIDE) -> State:
    """Unpack the source, apply the recipe's patches, and see how it is built."""
    async with attempt.step(StepName.UNPACK):
        inside = attempt.folder / name
        project, system = await told(lambda: _unpacked(attempt, inside))
        return replace(state, project=str(project.relative_to(inside)), system=system)


def _unpacked(attempt: Attempt, inside: Path) -> tuple[Path, BuildSystem]:
    project = lay_out(attempt, inside)
    return project, read_build_system(project)


def lay_out(attempt: Attempt, inside: Path) -> Path:
    """Unpack the source into a build's folder and return the project's place in it. Raises Stopped."""
    for part in (SOURCE, OUTPUT, "tmp", "home"):
        (inside / part).mkdir(parents=True)
    compile_in_parallel(attempt.offer.release.project, inside / "home")
    archive = attempt.shop.blobs.path(attempt.offer.source.archive)
    if archive is None:
        raise Stopped(Outcome.INFRASTRUCTURE, "the source is not in the blobs")
    try:
        project = attempt.shop.parts.unpack(
            archive,
            inside / SOURCE,
            limits=attempt.offer.limits,
            name=attempt.offer.source.filename or str(attempt.offer.release),
        )
    except InvalidArchiveError as error:
        raise Stopped(Outcome.FAILED, error.message, hint=error.hint) from error
    project = _subdirectory(project, attempt.offer.source.subdirectory)
    for patch in attempt.offer.recipe.patches:
        _apply(attempt, patch, project)
    return project


def _subdirectory(project: Path, name: str) -> Path:
    if not name:
        return project
    chosen = (project / name).resolve()
    if not chosen.is_relative_to(project.resolve()) or not chosen.is_dir():
        raise Stopped(Outcome.FAILED, f"the source has no folder {name!r}")
    return chosen


def _apply(attempt: Attempt, patch: Patch, project: Path) -> None:
    attempt.log.note(f"applying {patch.name}")
    try:
        apply_patch(patch, project)
    except ConfigurationError as error:
        raise Stopped(Outcome.FAILED, error.message, hint=error.hint) from error
    except ToolError as error:
        raise Stopped(Outcome.INFRASTRUCTURE, error.message, hint=error.hint) from error


async def environment(attempt: Attempt, state: State) -> State:
    """Find or make the environment of the build and the one of the import."""
    async with attempt.step(StepName.ENVIRONMENT):
        offer, environments = attempt.offer, attempt.shop.environments
        try:
            # Those of an emulated build are for no Python that runs here.
            running = () if emulating.is_emulated(attempt) else offer.requirements
            build = await environments.ensure(attempt.python, running)
            if attempt.across is not None:
                # What the target's wheels need to run is not for any Python that runs here.
                return replace(state, environment=build)
            test = await environments.ensure(attempt.python, offer.test_requirements)
            tools = await _tools(attempt)
        except OutOfSpaceError as error:
            raise Stopped(Outcome.RESOURCES, error.message, hint=error.hint) from error
        except (StoreError, ToolError) as error:
            raise Stopped(Outcome.INFRASTRUCTURE, error.message, hint=error.hint) from error
        return replace(state, environment=build, test_environment=test, tools_environment=tools)


async def _tools(attempt: Attempt) -> Environment | None:
    """Find or make the environment of the recipe's own test, apart from that of the import.

    What a test requires must not hide that the wheel does not name all that it imports.
    """
    offer = attempt.offer
    if not offer.recipe.test or not offer.test_tools:
        return None
    wheels = {wheel.digest: wheel for wheel in (*offer.test_requirements, *offer.test_tools)}
    return await attempt.shop.environments.ensure(attempt.python, tuple(wheels.values()))


async def make(attempt: Attempt, state: State, name: str = INSIDE) -> State:
    """Ask for requirements and build, in one session; the wheel is a file afterwards."""
    inside = attempt.folder / name
    shop, offer = attempt.shop, attempt.offer
    cached = shop.isolation.compiler_cache is not None
    caches = shop.settings.state / "compiler-caches"
    if cached:
        await asyncio.to_thread(compiler_cache.check_out, caches, offer, inside / CACHE)
    try:
        async with AsyncExitStack() as stack:
            async with attempt.step(StepName.ENVIRONMENT):
                # An interpreter that is not warm yet is started now, which may take seconds.
                running = await stack.enter_async_context(
                    attempt.running(
                        known(state.environment),
                        preload(attempt, state),
                        inside,
                        prepare=_preparation(attempt, state),
                    )
                )
                await across.unpack_hosts(attempt, running)
                if emulating.is_emulated(attempt):
                    await emulating.furnish(attempt, running)
            first = "" if attempt.across is not None else asked_with_the_build(state)
            async with attempt.step(StepName.REQUIREMENTS):
                if not first:
                    await ask_requirements(attempt, state, running)
            async with attempt.step(StepName.BUILD):
                await scripts.run_before(attempt, state, running)
                async with catching.watched(attempt, running.folder / across.FOLDER):
                    filename = await call_build(attempt, state, running, first)
                await scripts.run_after(attempt, running, filename)
                await across.count(attempt, running)
    finally:
        if cached:
            attempt.hits = await asyncio.to_thread(compiler_cache.hits_in, inside / STATISTICS)
            await asyncio.to_thread(compiler_cache.check_in, caches, offer, inside / CACHE)
    return replace(state, wheel=_wheel(attempt, inside, filename))


def _preparation(attempt: Attempt, state: State) -> Callable[[Path, View], Binds] | None:
    """Return what lays out the way to another machine; None where the job goes to none."""
    return None if attempt.across is None else partial(across.lay_out, attempt, state)


def preload(attempt: Attempt, state: State) -> tuple[str, ...]:
    """Say what may be loaded before the fork: never a project's own code.

    Nor anything where the recipe sets variables, which a back end may read when it is loaded. What answers for
    a machine is amended after the fork (``inside/across``), so that a build across may begin with it loaded.
    """
    if state.system.backend_path or attempt.offer.recipe.environment:
        return ()
    return modules_of(state.system.backend, project_table=state.system.project_table)


def asked_with_the_build(state: State) -> str:
    """Return the hook that is called in the process that builds, before it does; empty: none."""
    together = may_build_where_it_was_asked(state.system.backend)
    return _ASKING if together and not state.system.backend_path else ""


async def ask_requirements(attempt: Attempt, state: State, running: Running) -> None:
    """Ask what the back end needs beyond pyproject.toml; stops where its environment lacks it."""
    call = hook(attempt, state, running, _ASKING)
    answer = await _call(attempt, running, call)
    if not answer.ok and attempt.across is not None and not emulating.is_emulated(attempt):
        attempt.log.note("asking again in the environment of the target")
        answer = await running.call(across.for_the_target(attempt, state, running, call))
    judge(attempt, answer)
    check_requirements(attempt, answer.returned)


def check_requirements(attempt: Attempt, returned: object) -> None:
    """Hold what a back end asks for against its environment. Raises Stopped."""
    asked = returned if isinstance(returned, list) else []
    lines = tuple(str(line) for line in asked)
    if (wrong := invalid(lines)) is not None:
        raise Stopped(Outcome.FAILED, f"the back end asks for {wrong!r}, which is no requirement")
    markers = attempt.python.markers
    if emulating.is_emulated(attempt):
        markers = marker_environment(attempt.offer.target)
    missing = unmet(lines, attempt.offer.requirements, markers)
    if missing:
        attempt.log.note("the back end needs " + ", ".join(missing))
        raise Stopped(Outcome.NEEDS, "needs " + ", ".join(missing), needs=lines)


async def call_build(attempt: Attempt, state: State, running: Running, first: str = "") -> str:
    """Have the wheel built, and return its file name; what ``first`` asks for comes before."""
    call = hook(attempt, state, running, "build_wheel")
    call = across.for_the_target(attempt, state, running, call)
    answer = await _call(attempt, running, {**call, "first": first})
    judge(attempt, answer)
    if isinstance(answer.returned, list):
        # It asked for something, and did not build: what it has in its environment already is no hindrance.
        check_requirements(attempt, answer.returned)
        answer = await _call(attempt, running, call)
        judge(attempt, answer)
    return str(answer.returned)


async def _call(attempt: Attempt, running: Running, call: dict[str, object]) -> Answer:
    """Call a hook where the way of the job has it run."""
    if emulating.is_emulated(attempt):
        return await emulating.call(attempt, running, call)
    return await running.call(call)


def hook(attempt: Attempt, state: State, running: Running, name: str) -> dict[str, object]:
    """Return the call of a hook of the back end."""
    settings = attempt.offer.recipe.config_settings
    return {
        "call": "hook",
        "hook": name,
        "backend": state.system.backend,
        "backend_path": list(state.system.backend_path),
        "folder": f"{running.view.build}/{state.project}",
        "output": f"{running.view.build}/{OUTPUT}",
        "config_settings": {
            key: value if isinstance(value, str) else list(value) for key, value in settings.items()
        },
    }


def judge(attempt: Attempt, answer: Answer, *, since: StepName | None = None) -> None:
    """Stop where a call did not end well; what the log said before ``since`` ended is not its doing."""
    if answer.ok:
        return
    tail, usage = attempt.log.tail(), attempt.watch.usage()
    if since is not None:
        tail = printed_since(tail, since)
    raise failure(answer, tail, usage, attempt.offer.limits, attempt.shop.parts.reason)


def _wheel(attempt: Attempt, inside: Path, filename: str) -> Path:
    """Take the wheel out of the build's reach; every process of the build is gone by now."""
    found = regular_file(inside, OUTPUT, filename)
    if found is None or not filename.endswith(".whl"):
        raise Stopped(
            Outcome.FAILED, f"the back end returned {filename[:200]!r}, which is no wheel"
        )
    size, limits = found.stat().st_size, attempt.offer.limits
    if size > limits.artifact_bytes:
        raise too_large(limits, "the wheel", size)
    folder = attempt.folder / f"{inside.name}-wheel"
    folder.mkdir()
    return found.rename(folder / filename)


async def told(work: Callable[[], T]) -> T:
    """Do work on files in a thread; what is wrong with them is the package's fault."""
    try:
        return await asyncio.to_thread(work)
    except InvalidArchiveError as error:
        raise Stopped(Outcome.FAILED, error.message, hint=error.hint) from error
