"""The steps of a job from its wheel on: repair, inspect, test, deliver."""

import asyncio
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from wheelyard.errors import OutOfSpaceError, StoreError, ToolError
from wheelyard.executor import emulated
from wheelyard.executor.attempt import INSIDE, Attempt, Running, State, known
from wheelyard.executor.bill_of_materials import add_bill_of_materials
from wheelyard.executor.imports import ImportFailure, judge_imports, own_modules
from wheelyard.executor.outcomes import Stopped, last_lines, printed_since, too_large
from wheelyard.executor.preload import FOR_IMPORTS
from wheelyard.executor.sessions import Answer
from wheelyard.executor.steps import judge, told
from wheelyard.executor.trimming import vendored, without_tests
from wheelyard.model.artifact import Artifact, Origin
from wheelyard.model.job import Finding, Outcome, StepName, Verdict
from wheelyard.model.release import project_name

_TEST = "test"
_INFLATION = 20


async def repair(attempt: Attempt, state: State) -> State:
    """Make the wheel self-contained, honestly tagged and reproducible."""
    async with attempt.step(StepName.REPAIR):
        return replace(state, wheel=await told(lambda: _repair(attempt, state)))


def _repair(attempt: Attempt, state: State) -> Path:
    folder = known(state.wheel).parent / "repaired"
    folder.mkdir()
    try:
        libraries = attempt.across.ready.libraries if attempt.across is not None else ()
        libraries += vendored(attempt.folder / INSIDE / state.project, attempt.offer.recipe.vendor)
        built = without_tests(known(state.wheel), folder, attempt.offer.recipe)
        if attempt.across is not None and attempt.offer.recipe.pure:
            built = emulated.as_pure(built, folder)
        wheel = attempt.shop.parts.repair(built, folder, attempt.offer.target, libraries)
    except ToolError as error:
        raise Stopped(Outcome.FAILED, error.message, hint=error.hint) from error
    attempt.shop.parts.normalise(wheel, attempt.offer.source_date_epoch)
    if attempt.offer.recipe.bill_of_materials:
        add_bill_of_materials(wheel, attempt.offer)
    return wheel


async def inspect(attempt: Attempt, state: State) -> State:
    """Hold the wheel against the job."""
    async with attempt.step(StepName.INSPECT):
        return await told(lambda: _inspect(attempt, state))


def _inspect(attempt: Attempt, state: State) -> State:
    offer, parts = attempt.offer, attempt.shop.parts
    facts = parts.inspect(known(state.wheel), release=offer.release, target=offer.target)
    emulated.prove(attempt, known(state.wheel), facts)
    findings = (*state.findings, *parts.check(known(state.wheel), facts, offer))
    for finding in findings:
        attempt.log.note(f"{finding.verdict}: {finding.check}: {finding.message}")
    here = facts.compiled and attempt.across is None
    libraries = parts.libraries(known(state.wheel)) if here else ()
    return replace(state, facts=facts, findings=findings, libraries=libraries)


async def test(attempt: Attempt, state: State) -> State:
    """Import what the wheel brought in a clean environment, and run the recipe's own test."""
    async with attempt.step(StepName.TEST):
        recipe = attempt.offer.recipe
        if recipe.imports is not None:
            modules, own = recipe.imports, frozenset(recipe.imports)
        else:
            modules = attempt.shop.parts.import_names(known(state.facts))
            own = own_modules(attempt.offer.release.project, modules)
        if not modules and not recipe.test:
            return state
        if attempt.across is not None and not attempt.across.ready.python:
            # It is proved by reading; what it does there, nobody here can tell.
            return replace(state, findings=(*state.findings, emulated.not_run(attempt)))
        findings = await _try_out(attempt, state, modules, own)
        return replace(state, findings=(*state.findings, *findings))


async def _try_out(
    attempt: Attempt, state: State, modules: tuple[str, ...], own: frozenset[str]
) -> tuple[Finding, ...]:
    inside = attempt.folder / _TEST
    wheel = await asyncio.to_thread(_copy_wheel, attempt, state, inside)
    empty = await attempt.shop.environments.ensure(attempt.python, ())
    async with attempt.running(empty, FOR_IMPORTS, inside) as running:
        if attempt.across is None:
            answer = await running.call(_imports(attempt, state, running, wheel, modules))
        else:
            places = await emulated.unpack(attempt, running, wheel)
            compiled = emulated.extension_modules(known(state.wheel), known(state.facts))
            every = tuple(dict.fromkeys((*modules, *compiled)))
            answer = await emulated.imports(attempt, running, places, every)
        judge(attempt, answer, since=StepName.INSPECT)
        failures = _failures(answer)
        partial = tuple(failure for failure in failures if _is_partial(attempt, failure.missing))
        others = [failure for failure in failures if failure not in partial]
        verdict = judge_imports(
            others,
            modules=modules,
            own=own,
            as_upstream=_is_as_upstream(attempt, state),
            pure=all(tag.platform == "any" for tag in known(state.facts).tags),
        )
        for failure in verdict.fatal:
            detail = last_lines(printed_since(attempt.log.tail(), StepName.INSPECT))
            raise Stopped(Outcome.FAILED, str(failure), hint=failure.hint, detail=detail)
        findings = _findings(partial, verdict.told)
        if not attempt.offer.recipe.test or partial:
            return findings
        if attempt.offer.test_tools_absent:
            return (*findings, _not_tested(attempt.offer.test_tools_absent))
        variables = _test_variables(attempt, state, running)
        if attempt.across is not None:
            variables = await emulated.variables(attempt, running, places)
        await _run_test(attempt, running, variables)
        return findings


def _not_tested(absent: tuple[str, ...]) -> Finding:
    names = ", ".join(absent)
    text = f"the recipe's test was not run: a cycle keeps {names} from being there yet"
    return Finding(check="test", message=text, verdict=Verdict.WARN)


def _is_as_upstream(attempt: Attempt, state: State) -> bool:
    """Tell whether the wheel was held against upstream's and nothing was missing."""
    lacking = {"pure-but-upstream-is-binary", "missing-extension", "missing-files"}
    return attempt.offer.upstream_files is not None and not any(
        finding.check in lacking for finding in state.findings
    )


def _failures(answer: Answer) -> tuple[ImportFailure, ...]:
    """Read what the import of a stranger's modules answers."""
    told = answer.returned if isinstance(answer.returned, list) else []
    return tuple(
        ImportFailure(
            module=str(one.get("module", "")),
            message=str(one.get("message", "")),
            missing=str(one.get("missing", "")),
        )
        for one in told
        if isinstance(one, dict)
    )


def _findings(
    partial: tuple[ImportFailure, ...], told: tuple[ImportFailure, ...]
) -> tuple[Finding, ...]:
    messages = [f"{one} (a cycle keeps {one.missing} from being there yet)" for one in partial]
    messages += [str(one) for one in told]
    return tuple(Finding(check="import", message=text, verdict=Verdict.WARN) for text in messages)


def _copy_wheel(attempt: Attempt, state: State, inside: Path) -> str:
    """Copy, not link: what the import does to its file must not touch the artifact."""
    for part in ("tmp", "home", "work"):
        (inside / part).mkdir(parents=True)
    shutil.copyfile(known(state.wheel), inside / known(state.wheel).name)
    if attempt.offer.recipe.test:
        source = attempt.folder / INSIDE / state.project
        shutil.rmtree(inside / "work")
        shutil.copytree(source, inside / "work", symlinks=True)
    return known(state.wheel).name


def _imports(
    attempt: Attempt, state: State, running: Running, wheel: str, modules: tuple[str, ...]
) -> dict[str, object]:
    build = running.view.build
    return {
        "call": "import",
        "folder": f"{build}/home",
        "wheel": f"{build}/{wheel}",
        "place": _site(attempt, state, running),
        "folders": _packages(attempt, state, running),
        "modules": list(modules),
    }


def _site(attempt: Attempt, state: State, running: Running) -> str:
    """Say where the wheel is unpacked: in memory, where that is the job's own and has room."""
    room = attempt.shop.settings.temporary_bytes
    if running.view.contained and known(state.wheel).stat().st_size * _INFLATION < room:
        return "/tmp/site"  # noqa: S108 - the sandbox's own /tmp, which nobody else sees
    return f"{running.view.build}/site"


def _packages(attempt: Attempt, state: State, running: Running) -> list[str]:
    environment = state.test_environment
    if environment is None or not attempt.offer.test_requirements:
        return []
    return [f"{running.view.environments}/{environment.key}/{environment.packages}"]


def _is_partial(attempt: Attempt, missing: str) -> bool:
    top = missing.partition(".")[0]
    names = {str(project_name(name)) for name in attempt.offer.test_partial}
    return bool(top) and top.replace("_", "-").lower() in names


async def _run_test(attempt: Attempt, running: Running, variables: dict[str, str]) -> None:
    build = running.view.build
    answer = await running.call(
        {
            "call": "run",
            "arguments": ["/bin/sh", "-c", attempt.offer.recipe.test],
            "folder": f"{build}/work",
            "environment": variables,
        }
    )
    if not answer.ok:
        attempt.log.note(f"the recipe's test failed: {attempt.offer.recipe.test}")
    try:
        judge(attempt, answer, since=StepName.INSPECT)
    except Stopped as stopped:
        # The phrases are those of builds; what a test lacks is to be named elsewhere.
        stopped.reason = stopped.reason.replace("build requirement", "requirement of the test")
        stopped.hint = stopped.hint.replace("build-requires", "test-requires")
        if stopped.reason.startswith(("exit status", "ended by")):
            stopped.reason = f"its test failed ({stopped.reason})"
        raise


def _test_variables(attempt: Attempt, state: State, running: Running) -> dict[str, str]:
    """Let a test find the wheel, what that needs to run, and the programs of what the test requires."""
    variables, site = attempt.variables(running.view), _site(attempt, state, running)
    if state.tools_environment is None:
        return variables | {"PYTHONPATH": ":".join((site, *_packages(attempt, state, running)))}
    place = f"{running.view.environments}/{state.tools_environment.key}"
    path = f"{place}/bin:{variables['PATH']}"
    return variables | {"PATH": path, "VIRTUAL_ENV": place, "PYTHONPATH": site}


async def deliver(attempt: Attempt, state: State) -> State:
    """Store the wheel and its METADATA."""
    async with attempt.step(StepName.DELIVER):
        size, blobs = known(state.wheel).stat().st_size, attempt.shop.blobs
        if size > (limits := attempt.offer.limits).artifact_bytes:
            raise too_large(limits, "the repaired wheel", size)
        try:
            metadata = await blobs.add_bytes(known(state.facts).metadata)
            digest = await blobs.add_file(known(state.wheel))
        except OutOfSpaceError as error:
            raise Stopped(Outcome.RESOURCES, error.message, hint=error.hint) from error
        except StoreError as error:
            raise Stopped(Outcome.INFRASTRUCTURE, error.message, hint=error.hint) from error
        artifact = _artifact(attempt, state, digest, size, metadata)
        return replace(state, artifact=artifact)


def _artifact(attempt: Attempt, state: State, digest: str, size: int, metadata: str) -> Artifact:
    offer = attempt.offer
    seeds = {Origin.SEED, Origin.BOOTSTRAP}
    return Artifact(
        filename=known(state.wheel).name,
        digest=digest,
        size=size,
        release=offer.release,
        tags=known(state.facts).tags,
        origin=Origin.BOOTSTRAP
        if any(wheel.origin in seeds for wheel in offer.requirements)
        else Origin.BUILT,
        requires_python=known(state.facts).requires_python,
        requires_dist=known(state.facts).requires_dist,
        metadata_digest=metadata,
        build_key=offer.key,
        target=offer.target,
        source_digest=offer.source.digest,
        created=datetime.now(UTC),
    )
