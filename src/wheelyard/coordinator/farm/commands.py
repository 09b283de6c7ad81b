"""Requests for commands on git trees: a plan of one job, answered from the store or by the farm.

A request that is begun anew is planned anew: where it names a branch that moved on, by its newest commit.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Protocol
from urllib.parse import urlsplit

from wheelyard.coordinator.command_run import CommandEnded, CommandRun
from wheelyard.coordinator.farm.carrying import Conclusion, with_hint
from wheelyard.coordinator.farm.crew import CrewParts, FarmCrew
from wheelyard.coordinator.run import Standing
from wheelyard.coordinator.story import JobAwaited, JobEnded, JobStarted, RunEvent
from wheelyard.errors import ConfigurationError
from wheelyard.model.artifact import Artifact
from wheelyard.model.channel import CondaPackage
from wheelyard.model.counted import plural
from wheelyard.model.job import BuildKey
from wheelyard.model.request import Request, RequestId, RequestState
from wheelyard.plan.command import CommandPlan
from wheelyard.plan.events import UnitId
from wheelyard.protocol.commands import (
    CommandWanted,
    decode_command,
    digest_of_command,
    summary_of_command,
)

PlanCommand = Callable[[Request, CommandWanted], Awaitable[CommandPlan]]
"""Finds the revision and plans its job. Raises WheelyardError."""


class TakePackages(Protocol):
    """Lets the conda packages of a command's archive into the channel."""

    async def __call__(self, artifact: Artifact, *, actor: str) -> Sequence[CondaPackage]:
        """Return those that are there now. Raises InvalidArchiveError and ConflictError."""
        ...


class Tale(Protocol):
    """Whoever watches a request. ``standing`` says how far it is."""

    standing: Callable[[], Standing] | None

    def tell(self, event: RunEvent | CommandEnded) -> None:
        """Take an event."""
        ...

    def end(self) -> None:
        """Nothing more will be told."""
        ...


class CommandsCarrier:
    """Carries out requests for commands. ``local``: repositories on the farm's own disk may be named.

    ``packages`` lets what was built into the conda channel, where the farm has one.
    """

    def __init__(
        self,
        *,
        parts: CrewParts,
        plan: PlanCommand,
        tale_of: Callable[[RequestId], Tale],
        local: bool = False,
        packages: TakePackages | None = None,
    ) -> None:
        self._parts = parts
        self._plan = plan
        self._tale_of = tale_of
        self._local = local
        self._packages = packages

    def check(self, text: bytes) -> tuple[str, str]:
        """Return digest and summary of what is asked for. Raises ConfigurationError."""
        wanted = self._read(text)
        return digest_of_command(wanted), summary_of_command(wanted)

    def begin(self, request: Request) -> "CommandUndertaking":
        """Return the undertaking of an open request."""
        wanted = self._read(request.text)
        return CommandUndertaking(
            self._parts,
            request,
            lambda: self._plan(request, wanted),
            self._tale_of(request.id),
            packages=self._packages if wanted.channel else None,
        )

    def _read(self, text: bytes) -> CommandWanted:
        wanted = decode_command(text)
        if wanted.channel and self._packages is None:
            raise ConfigurationError("this farm has no conda channel", hint="Ask without it.")
        if not self._local and urlsplit(wanted.repository).scheme == "file":
            # Whoever may ask for something may not therefore read what lies there.
            raise ConfigurationError(
                f"{wanted.repository!r} is on a disk, and this farm fetches from none",
                hint="Give a URL that the farm reaches, or run it with --local-repositories.",
            )
        return wanted


class CommandUndertaking:
    """One request for a command that is carried out."""

    def __init__(
        self,
        parts: CrewParts,
        request: Request,
        plan: Callable[[], Awaitable[CommandPlan]],
        tale: Tale,
        *,
        packages: TakePackages | None = None,
    ) -> None:
        self._parts = parts
        self._request = request
        self._plan = plan
        self._tale = tale
        self._packages = packages
        self._crew: FarmCrew | None = None
        self._attempt = 0

    async def carry_out(self) -> Conclusion:
        """See it through."""
        try:
            plan = await self._plan()
            ended = await self._run(plan).carry_out(plan)
            if self._packages is not None and ended.artifact is not None:
                # Before the end is told: what is done can be seen. Done twice, it changes nothing.
                taken = await self._packages(ended.artifact, actor=self._request.owner)
                ended = replace(ended, packages=tuple([one.place for one in taken]))
            self._tell_end(plan, ended)
            return conclude(ended)
        finally:
            self._tale.end()

    def keys(self) -> Sequence[BuildKey]:
        """Return the job that it waits for."""
        return () if self._crew is None else self._crew.keys

    def waits_for(self) -> Sequence[str]:
        """Say what it waits for: its job says that itself, and nothing has to be there before."""
        return ()

    def _run(self, plan: CommandPlan) -> CommandRun:
        parts = self._parts
        crew = self._crew = FarmCrew(parts, self._request, plan.needs)
        run = CommandRun(
            jobs=parts.ports.jobs,
            artifacts=parts.ports.artifacts,
            blobs=parts.ports.blobs,
            crew=crew,
            listener=self._tell,
        )
        self._tale.standing = lambda: Standing(
            units=1, settled=0, running=run.running(), seconds_left=0.0
        )
        return run

    def _tell(self, event: RunEvent) -> None:
        match event:
            case JobStarted():
                self._attempt = event.attempt
            case JobAwaited():
                self._attempt = self._attempt or 1
        self._tale.tell(event)

    def _tell_end(self, plan: CommandPlan, ended: CommandEnded) -> None:
        if ended.report is not None and self._attempt:
            self._tale.tell(
                JobEnded(
                    unit=UnitId(plan.offer.release, plan.offer.target),
                    key=plan.offer.key,
                    attempt=self._attempt,
                    report=ended.report,
                    bootstrap=False,
                    again_in=None,
                )
            )
        self._tale.tell(ended)


def conclude(ended: CommandEnded) -> Conclusion:
    """Say how a request ended."""
    if ended.artifact is None:
        report = ended.report
        assert report is not None
        reason = with_hint(f"{report.outcome}: {report.reason}", report.hint)
        return Conclusion(state=RequestState.FAILED, reason=reason)
    reason = f"{ended.artifact.filename} is there"
    if ended.revision != ended.wanted:
        reason += f", of revision {ended.revision} where {ended.wanted} was asked for"
    if ended.packages:
        are = "is" if len(ended.packages) == 1 else "are"
        reason += f"; {plural(len(ended.packages), 'package')} {are} in the channel"
    lines = (f"{ended.artifact.digest}, {ended.artifact.size} bytes", *ended.packages)
    return Conclusion(state=RequestState.DONE, reason=reason, lines=lines)
