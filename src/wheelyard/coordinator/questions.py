"""Carries out what a planner asks of the world, short of building: resolve, inspect, recall, fetch."""

import asyncio
from dataclasses import replace

import msgspec

from wheelyard.errors import (
    NoSolutionError,
    NotApplicableError,
    OutOfSpaceError,
    StoreError,
    UpstreamError,
    WheelyardError,
)
from wheelyard.model.artifact import Artifact
from wheelyard.model.job import BuildKey
from wheelyard.model.release import Release
from wheelyard.model.resolution import Query, Resolution
from wheelyard.model.secrets import without_secrets
from wheelyard.model.source import Source, SourceFacts
from wheelyard.plan.events import (
    BuildResolved,
    Event,
    Exclusion,
    FetchFailed,
    FetchWheel,
    HostResolved,
    Inspect,
    Inspected,
    InspectFailed,
    Recall,
    Recalled,
    RequestResolved,
    ResolveBuild,
    ResolveHost,
    ResolveRequest,
    ResolveTest,
    TestResolved,
    UnitFailed,
    WheelFetched,
)
from wheelyard.ports import ArtifactStore, Blobs, Memory, Resolver, Upstream

_FACTS = "source-facts-1"
AS_OF = "as-of-1"
"""The kind under which ``Memory`` keeps the day that the tools of a build are of, by its key."""
NEEDS = "needs-2"
"""The kind under which ``Memory`` keeps what a back end asked for beyond pyproject.toml."""
PORTABLE = "portable-1"
"""The kind under which ``Memory`` keeps the key of a wheel with nothing compiled in it, by portable key."""
REBUILT = "rebuilt-1"
"""The kind under which ``Memory`` keeps the keys of rebuilds, the newest first, by ordinary key."""

_WITHOUT = "If it can be built without one, patch that out of its pyproject.toml in a recipe."

Question = ResolveRequest | Inspect | ResolveBuild | ResolveHost | ResolveTest | Recall | FetchWheel


class Questions:
    """Answers every command but Start."""

    def __init__(
        self,
        *,
        upstream: Upstream,
        resolver: Resolver,
        artifacts: ArtifactStore,
        blobs: Blobs,
        memory: Memory,
    ) -> None:
        self._upstream = upstream
        self._resolver = resolver
        self._artifacts = artifacts
        self._blobs = blobs
        self._memory = memory
        self._resolving: dict[Query, asyncio.Task[Resolution]] = {}

    async def answer(self, command: Question) -> Event:
        """Carry out one command. What cannot be had becomes a failure event, not an exception."""
        match command:
            case ResolveRequest():
                return await self._resolve_request(command.query)
            case Inspect():
                return await self._inspect(command)
            case ResolveBuild():
                return await self._resolve_build(command)
            case ResolveHost():
                return await self._resolve_host(command)
            case ResolveTest():
                return await self._resolve_test(command)
            case Recall():
                return await self._recall(command)
            case FetchWheel():
                return await self._fetch_wheel(command)

    async def close(self) -> None:
        """Stop what is still being resolved."""
        tasks = list(self._resolving.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def source_in_blobs(self, source: Source) -> Source:
        """Make sure that the bytes of a source are on this machine."""
        return await self._upstream.fetch(source)

    async def _resolve(self, query: Query) -> Resolution:
        """Resolve once for all who ask the same at the same time or later in this run."""
        task = self._resolving.get(query)
        if task is None:
            task = asyncio.ensure_future(self._resolver.resolve(query))
            self._resolving[query] = task
        return await asyncio.shield(task)

    async def _resolve_request(self, query: Query) -> RequestResolved:
        if not query.requirements:
            return RequestResolved(target=query.target, resolution=Resolution(pins=(), roots=()))
        try:
            return RequestResolved(target=query.target, resolution=await self._resolve(query))
        except NoSolutionError as error:
            return await self._resolve_the_rest(query, error)
        except UpstreamError as error:
            if len(query.requirements) == 1:
                raise
            return await self._resolve_the_rest(query, error)

    async def _resolve_the_rest(self, query: Query, error: WheelyardError) -> RequestResolved:
        """Leave out the requirements that have no solution even alone, and resolve the others.

        Raises UpstreamError where upstream gives none of them: that says nothing about any.
        """
        failures = await asyncio.gather(
            *(self._failure_alone(query, line) for line in query.requirements)
        )
        if all(isinstance(failure, UpstreamError) for failure in failures):
            raise error
        exclusions = [
            _exclusion(query, line, failure)
            for line, failure in zip(query.requirements, failures, strict=True)
            if failure is not None
        ]
        rest = tuple(
            line
            for line, failure in zip(query.requirements, failures, strict=True)
            if failure is None
        )
        empty = Resolution(pins=(), roots=())
        if not rest or len(rest) == len(query.requirements):
            blamed = exclusions or [_exclusion(query, ", ".join(rest), error)]
            return RequestResolved(target=query.target, resolution=empty, exclusions=tuple(blamed))
        try:
            resolution = await self._resolve(replace(query, requirements=rest))
        except (NoSolutionError, UpstreamError) as second:
            exclusions.append(_exclusion(query, ", ".join(rest), second))
            resolution = empty
        return RequestResolved(
            target=query.target, resolution=resolution, exclusions=tuple(exclusions)
        )

    async def _failure_alone(self, query: Query, line: str) -> WheelyardError | None:
        try:
            await self._resolve(replace(query, requirements=(line,)))
        except (NoSolutionError, UpstreamError) as error:
            return error
        return None

    async def _inspect(self, command: Inspect) -> Event:
        try:
            source = command.source
            facts = await self._known_facts(source)
            if facts is None:
                source = await self._upstream.fetch(source)
                facts = await self._upstream.facts(source)
                await self._memory.keep(_FACTS, _name(source), msgspec.json.encode(facts))
            published = await self._published(command.release)
        except WheelyardError as error:
            _raise_if_fatal(error)
            return InspectFailed(release=command.release, error=error)
        return Inspected(release=command.release, source=source, facts=facts, published=published)

    async def _published(self, release: Release) -> tuple[Artifact, ...]:
        """Return the published artifacts of a release, with what else was kept of them."""
        found = await self._artifacts.of_release(release)
        days = [await self._memory.recall(AS_OF, artifact.build_key) for artifact in found]
        return tuple(
            replace(artifact, as_of=(day or b"").decode())
            for artifact, day in zip(found, days, strict=True)
        )

    async def _known_facts(self, source: Source) -> SourceFacts | None:
        """Return what was read of these very bytes before; a source without a digest is read again."""
        if not source.digest:
            return None
        kept = await self._memory.recall(_FACTS, _name(source))
        return msgspec.json.decode(kept, type=SourceFacts) if kept is not None else None

    async def _resolve_build(self, command: ResolveBuild) -> Event:
        try:
            return BuildResolved(unit=command.unit, resolution=await self._resolve(command.query))
        except WheelyardError as error:
            _raise_if_fatal(error)
            return UnitFailed(unit=command.unit, error=_whose(command, "build", error))

    async def _resolve_host(self, command: ResolveHost) -> Event:
        try:
            return HostResolved(unit=command.unit, resolution=await self._resolve(command.query))
        except WheelyardError as error:
            _raise_if_fatal(error)
            return UnitFailed(unit=command.unit, error=_whose(command, "host", error))

    async def _resolve_test(self, command: ResolveTest) -> Event:
        try:
            return TestResolved(unit=command.unit, resolution=await self._resolve(command.query))
        except WheelyardError as error:
            _raise_if_fatal(error)
            return UnitFailed(unit=command.unit, error=_whose(command, "test", error))

    async def _recall(self, command: Recall) -> Recalled:
        artifact = (
            await self._rebuilt(command)
            or await self._artifacts.by_key(command.key)
            or await self._portable(command)
        )
        if artifact is not None and self._blobs.path(artifact.digest) is None:
            artifact = None
        if artifact is not None:
            await self._make_visible(artifact)
        kept = await self._memory.recall(NEEDS, command.portable_key) if artifact is None else None
        needs = msgspec.json.decode(kept, type=tuple[str, ...]) if kept is not None else None
        return Recalled(unit=command.unit, key=command.key, artifact=artifact, needs=needs)

    async def _portable(self, command: Recall) -> Artifact | None:
        """Return a wheel that other compilers or another patch of the Python would make just so."""
        key = await self._memory.recall(PORTABLE, command.portable_key)
        return await self._artifacts.by_key(BuildKey(key.decode())) if key else None

    async def _rebuilt(self, command: Recall) -> Artifact | None:
        """Return what a rebuild gave in the place of this job; the newest that counts and is there."""
        kept = await self._memory.recall(REBUILT, command.key)
        for key in (kept or b"").decode().split():
            artifact = await self._artifacts.by_key(BuildKey(key))
            if artifact is not None and self._blobs.path(artifact.digest) is not None:
                return artifact
        return None

    async def _make_visible(self, artifact: Artifact) -> None:
        """Publish what counts but is not visible: its process ended between the two."""
        visible = await self._artifacts.of_release(artifact.release)
        if all(other.digest != artifact.digest for other in visible):
            await self._artifacts.publish(artifact)

    async def _fetch_wheel(self, command: FetchWheel) -> Event:
        try:
            artifact = await self._upstream.fetch_wheel(command.entry)
        except WheelyardError as error:
            _raise_if_fatal(error)
            return FetchFailed(unit=command.unit, origin=command.origin, error=error)
        return WheelFetched(unit=command.unit, artifact=replace(artifact, origin=command.origin))


def _raise_if_fatal(error: WheelyardError) -> None:
    """Let pass what ends a run: without its state there is nothing to go on with."""
    if isinstance(error, StoreError) and not isinstance(error, OutOfSpaceError):
        raise error


def _name(source: Source) -> str:
    return f"{source.digest}#{source.subdirectory}"


def _exclusion(query: Query, line: str, error: WheelyardError) -> Exclusion:
    return Exclusion(
        requirement=line,
        target=query.target,
        reason=error.message,
        hint=error.hint,
        applicable=not isinstance(error, NotApplicableError),
    )


def _whose(
    command: ResolveBuild | ResolveHost | ResolveTest, kind: str, error: WheelyardError
) -> WheelyardError:
    """Say whose requirements have no solution."""
    if not isinstance(error, NoSolutionError):
        return error
    asked = without_secrets(", ".join(command.query.requirements))
    return NoSolutionError(
        f"the {kind} requirements of {command.unit} ({asked}) have no solution: {error.message}",
        hint="\n".join(filter(None, (error.hint, _WITHOUT if kind == "build" else ""))),
    )
