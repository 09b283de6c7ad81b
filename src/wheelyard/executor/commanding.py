"""The steps of a job that runs a command: fetch, unpack, environment, build, inspect, deliver.

Isolation, limits, log and the end of the process tree are those of every job. What differs is what is
run, and that the result is an archive of what the command's patterns match.
"""

import asyncio
import shlex
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from wheelyard.errors import OutOfSpaceError, SandboxError, StoreError, ToolError
from wheelyard.executor import compiler_cache, steps
from wheelyard.executor.attempt import INSIDE, Attempt, State, known
from wheelyard.executor.collecting import Collection, collect, write_archive
from wheelyard.executor.compiler_cache import CACHE, STATISTICS
from wheelyard.executor.hosts import View
from wheelyard.executor.outcomes import Stopped, last_lines
from wheelyard.executor.reproducible import difference
from wheelyard.executor.sessions import Answer
from wheelyard.executor.settings import ExecutorSettings
from wheelyard.model.artifact import Artifact, Origin
from wheelyard.model.command import Command
from wheelyard.model.counted import plural
from wheelyard.model.job import Finding, Offer, Outcome, StepName, Verdict
from wheelyard.targets.interpreter import ANY

_NOT_FOUND, _NOT_EXECUTABLE = 127, 126
# The shell says in words what cannot be run, and with which codes.
_RUN = ("/bin/sh", "-c", 'exec "$@"', "sh")


def allow_network(offer: Offer, settings: ExecutorSettings) -> None:
    """Raise SandboxError where a command asks for the network and this machine gives it to none."""
    if offer.command is not None and offer.command.network and not settings.network:
        raise SandboxError(
            "it asks for the network, which this builder gives to no build",
            hint="Let it do without, or let a builder allow it.",
        )


def isolation_words(attempt: Attempt) -> tuple[str, ...]:
    """Say what was in force, which is less where the network was allowed."""
    words = attempt.shop.isolation.words
    if attempt.offer.command is None or not attempt.offer.command.network:
        return words
    narrowed = ["the network" if word == "no network" else word for word in words]
    return tuple("a sandbox for each job" if word == "warm fork" else word for word in narrowed)


def repeat_command(offer: Offer, command: Command) -> str:
    """Return the shell command that does the same by hand, outside of any sandbox."""
    commit = offer.source.digest.removeprefix("git:")
    variables = [f"{name}={value}" for name, value in command.variables]
    epoch = f"SOURCE_DATE_EPOCH={offer.source_date_epoch}"
    lines = (
        ["git", "clone", offer.source.location, str(offer.release.project)],
        ["cd", str(offer.release.project)],
        ["git", "checkout", "--detach", commit],
        ["env", epoch, *variables, *command.arguments],
    )
    return " && ".join(map(shlex.join, lines))


async def _unpack(attempt: Attempt, state: State, name: str = INSIDE) -> State:
    """Unpack the tree."""
    async with attempt.step(StepName.UNPACK):
        inside = attempt.folder / name
        project = await asyncio.to_thread(steps.lay_out, attempt, inside)
        return replace(state, project=str(project.relative_to(inside)))


async def _environment(attempt: Attempt, state: State) -> State:
    """Find or make the environment of the Python that opens the sandbox."""
    async with attempt.step(StepName.ENVIRONMENT):
        try:
            empty = await attempt.shop.environments.ensure(attempt.python, ())
        except OutOfSpaceError as error:
            raise Stopped(Outcome.RESOURCES, error.message, hint=error.hint) from error
        except (StoreError, ToolError) as error:
            raise Stopped(Outcome.INFRASTRUCTURE, error.message) from error
        return replace(state, environment=empty)


async def _run(attempt: Attempt, state: State, name: str = INSIDE) -> State:
    """Run the command at the top of the tree."""
    async with attempt.step(StepName.BUILD):
        inside, command = attempt.folder / name, known(attempt.offer.command)
        attempt.log.note(f"running {shlex.join(command.arguments)}")
        async with _Cache(attempt, inside):
            lent = attempt.running(known(state.environment), (), inside, network=command.network)
            async with lent as running:
                answer = await running.call(
                    {
                        "call": "run",
                        "arguments": [*_RUN, *command.arguments],
                        "folder": f"{running.view.build}/{state.project}",
                        "environment": _variables(attempt, command, running.view),
                    }
                )
        _judge(attempt, answer, command)
        return state


@dataclass(frozen=True, slots=True)
class _Cache:
    """Compiled objects of earlier builds of the same project, where they are kept."""

    attempt: Attempt
    inside: Path

    async def __aenter__(self) -> None:
        await self._move(compiler_cache.check_out)

    async def __aexit__(self, *_: object) -> None:
        statistics = self.inside / STATISTICS
        self.attempt.hits = await asyncio.to_thread(compiler_cache.hits_in, statistics)
        await self._move(compiler_cache.check_in)

    async def _move(self, move: Callable[[Path, Offer, Path], None]) -> None:
        shop = self.attempt.shop
        if shop.isolation.compiler_cache is not None:
            caches = shop.settings.state / "compiler-caches"
            await asyncio.to_thread(move, caches, self.attempt.offer, self.inside / CACHE)


def _variables(attempt: Attempt, command: Command, view: View) -> dict[str, str]:
    """Return what the command finds in its environment; a Python only where one was asked for."""
    variables = attempt.variables(view)
    if attempt.offer.target.interpreter == ANY:
        own = f"{view.environment}/bin"
        variables["PATH"] = ":".join(p for p in variables["PATH"].split(":") if p != own)
        del variables["VIRTUAL_ENV"]
    return variables | dict(command.variables)


def _judge(attempt: Attempt, answer: Answer, command: Command) -> None:
    """Stop where the command did not end well."""
    if answer.code in {_NOT_FOUND, _NOT_EXECUTABLE} and command.arguments[0] != "/bin/sh":
        raise Stopped(
            Outcome.FAILED,
            f"the program {command.arguments[0]!r} cannot be run on this machine",
            detail=last_lines(attempt.log.tail()),
            hint="Install it outside of your home folder, or need a builder that has it.",
        )
    steps.judge(attempt, answer)


async def _collect(attempt: Attempt, state: State, name: str = INSIDE) -> State:
    """Put the files that match into an archive."""
    async with attempt.step(StepName.INSPECT):
        command = known(attempt.offer.command)
        found = await steps.told(lambda: _archived(attempt, attempt.folder / name, state.project))
        collection, archive = found
        attempt.log.note(f"{plural(len(collection.files), 'file')} in {command.filename}")
        for remark in collection.remarks:
            attempt.log.note(f"warn: artifact: {remark}")
        findings = tuple(
            Finding(check="artifact", message=remark, verdict=Verdict.WARN)
            for remark in collection.remarks
        )
        return replace(state, wheel=archive, findings=findings)


def _archived(attempt: Attempt, inside: Path, project: str) -> tuple[Collection, Path]:
    offer, command = attempt.offer, known(attempt.offer.command)
    most = offer.limits.artifact_bytes
    found = collect(inside / project, command.artifacts, most_bytes=most)
    folder = attempt.folder / f"{inside.name}-archive"
    folder.mkdir()
    archive = folder / command.filename
    write_archive(found.files, archive, epoch=offer.source_date_epoch)
    return found, archive


async def _again(attempt: Attempt, state: State) -> State:
    """Run it a second time where that is asked for, and hold the archives against each other."""
    if not attempt.offer.check_reproducible:
        return state
    second = f"{INSIDE}-again"
    again = await _unpack(attempt, state, second)
    again = await _collect(attempt, await _run(attempt, again, second), second)
    said = await asyncio.to_thread(difference, known(state.wheel), known(again.wheel))
    attempt.log.note(f"built twice: {said}" if said else "built twice: the same bytes")
    return replace(state, irreproducible=said)


async def _deliver(attempt: Attempt, state: State) -> State:
    """Store the archive."""
    async with attempt.step(StepName.DELIVER):
        archive, offer = known(state.wheel), attempt.offer
        size = archive.stat().st_size
        try:
            digest = await attempt.shop.blobs.add_file(archive)
        except OutOfSpaceError as error:
            raise Stopped(Outcome.RESOURCES, error.message) from error
        except StoreError as error:
            raise Stopped(Outcome.INFRASTRUCTURE, error.message) from error
        artifact = Artifact(
            filename=archive.name,
            digest=digest,
            size=size,
            release=offer.release,
            tags=frozenset(),
            origin=Origin.COMMAND,
            build_key=offer.key,
            target=offer.target,
            source_digest=offer.source.digest,
            created=datetime.now(UTC),
        )
        return replace(state, artifact=artifact)


COMMANDING: tuple[Callable[[Attempt, State], Awaitable[State]], ...] = (
    steps.fetch,
    _unpack,
    _environment,
    _run,
    _collect,
    _again,
    _deliver,
)
