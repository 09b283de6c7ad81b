"""Resolving by uv, which sees only the candidates of the query and builds nothing."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Self

from wheelyard.errors import NotUpstreamError, ToolError, WheelyardError
from wheelyard.model.release import ProjectName, Release
from wheelyard.model.resolution import Query, Resolution
from wheelyard.ports import Upstream
from wheelyard.targets.target import Target
from wheelyard.upstream.candidate_server import CandidateServer
from wheelyard.upstream.candidates import ExtraCandidate, Selections
from wheelyard.upstream.edges import edges
from wheelyard.upstream.explanation import explain
from wheelyard.upstream.query_lines import QueryLines
from wheelyard.upstream.trace import ABSENT, Evidence, Trace
from wheelyard.upstream.uv_command import UvCommand, UvInput, UvOutput, find_uv
from wheelyard.upstream.view import CandidateView, metadata_digest

_NOTHING: Mapping[ProjectName, ExtraCandidate] = MappingProxyType({})
_NO_SOLUTION = ("No solution found", "Failed to resolve dependencies")


class UvResolver:
    """A Resolver. ``extra`` are candidates that win over upstream's, by project.

    At most ``concurrency`` runs of uv go on at once, each for at most ``seconds``. Close it, or use
    it as an asynchronous context manager.
    """

    def __init__(
        self,
        *,
        upstream: Upstream,
        extra: Mapping[ProjectName, ExtraCandidate] = _NOTHING,
        executable: str = "",
        concurrency: int = 0,
        seconds: float = 600,
    ) -> None:
        self._upstream = upstream
        self._extra = extra
        self._executable = executable
        self._seconds = seconds
        self._slots = asyncio.Semaphore(concurrency or os.cpu_count() or 1)
        self._server = CandidateServer()
        self._selections = Selections()
        self._starting = asyncio.Lock()
        self._folder: Path | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop the server and remove what was kept for uv."""
        await self._server.close()
        if self._folder is not None:
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
            self._folder = None

    async def resolve(self, query: Query) -> Resolution:
        """Choose releases. Raises NoSolutionError, UpstreamError, InvalidNameError and ToolError."""
        return (await self.trace(query)).resolution

    async def trace(self, query: Query) -> Trace:
        """Choose releases and tell what the choice rests on."""
        view = CandidateView(
            upstream=self._upstream,
            query=query,
            extra={
                project: extra
                for project, extra in self._extra.items()
                if extra.applies(query.target)
            },
            selections=self._selections,
        )
        lines = QueryLines.of(query, view.provided)
        if not lines.roots:
            return Trace(resolution=Resolution(pins=(), roots=()), evidence=None)
        output = await self._ask(query, lines, view)
        if not output.succeeded:
            raise _failure(output, query, lines, view)
        return Trace(resolution=_resolution(output, lines, view), evidence=_evidence(view))

    async def fingerprint(self, project: ProjectName, target: Target) -> str:
        """Return what a project's page, or its extra candidate on a target, is known by now."""
        extra = self._extra.get(project)
        if extra is not None and extra.applies(target):
            return extra.fingerprint
        try:
            return (await self._upstream.page(project)).fingerprint
        except NotUpstreamError:
            return ABSENT

    async def metadata_digest(self, release: Release) -> str:
        """Return the digest of a release's metadata as upstream gives it now."""
        page = await self._upstream.page(release.project)
        return metadata_digest(await self._upstream.metadata(page, release))

    async def _ask(self, query: Query, lines: QueryLines, view: CandidateView) -> UvOutput:
        command = await self._command()
        async with self._slots, self._server.mount(view) as mount:
            output = await command.run(
                UvInput(
                    index_url=mount.url,
                    requirements=lines.requirement_text(),
                    constraints=lines.constraint_text(),
                    overrides=lines.override_text(),
                    preferences="".join(f"{release}\n" for release in query.preferences),
                    prereleases=query.policy.prereleases,
                )
            )
        if mount.faults:
            raise mount.faults[0]
        return output

    async def _command(self) -> UvCommand:
        async with self._starting:
            if self._folder is None:
                made = await asyncio.to_thread(tempfile.mkdtemp, prefix="wheelyard-uv-")
                self._folder = Path(made)
            if not self._executable:
                self._executable = await asyncio.to_thread(find_uv)
        return UvCommand(executable=self._executable, cache=self._folder, seconds=self._seconds)


def _failure(
    output: UvOutput, query: Query, lines: QueryLines, view: CandidateView
) -> WheelyardError:
    # An index that could not be read says nothing about whether there is a solution.
    if view.failures:
        return view.failures[0]
    if any(words in output.complaint for words in _NO_SOLUTION):
        return explain(output.complaint, query, lines, view)
    return ToolError(
        f"uv failed: {output.complaint.strip()[-2000:]}",
        hint="Check with 'uv --version' that uv works here.",
    )


def _resolution(output: UvOutput, lines: QueryLines, view: CandidateView) -> Resolution:
    releases = [Release.parse(line.partition(";")[0]) for line in output.pins.splitlines() if line]
    needed = edges(releases, lines, view.known_metadata)
    pins = tuple(view.pin(release, needed[release.project]) for release in sorted(releases))
    roots = {need.project for root in lines.roots for need in lines.applied(root)}
    return Resolution(pins=pins, roots=tuple(sorted(roots & needed.keys())))


def _evidence(view: CandidateView) -> Evidence | None:
    """Collect what was read; nothing where part of it failed and may be read the next time."""
    if view.failures:
        return None
    fingerprints = dict.fromkeys(view.absent, ABSENT)
    fingerprints.update({one.project: one.fingerprint for one in view.listings.values()})
    shown = [one.newest_shown for one in view.listings.values() if one.newest_shown]
    cooling = [one.oldest_cooling for one in view.listings.values() if one.oldest_cooling]
    return Evidence(
        fingerprints=tuple(sorted(fingerprints.items())),
        metadata=tuple(sorted(view.undigested.items())),
        newest_shown=max(shown, default=None),
        oldest_cooling=min(cooling, default=None),
    )
