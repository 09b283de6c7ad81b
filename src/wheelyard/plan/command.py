"""From a request for a command on a git tree to the offer of a job, and to the jobs that would serve it as well.

Everything that shapes the result is in the key: the commit, the command, its options and patterns, what
the builder must have, and what the caller says of its surroundings. So a build of another revision
serves a request if it lies under the key that the request has at that revision.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from wheelyard.jobs.needs import Needs
from wheelyard.jobs.revisions import nearest_first
from wheelyard.model.command import Command, CommandRequest, Revision
from wheelyard.model.job import BuildKey, Limits, Offer
from wheelyard.model.release import Release
from wheelyard.model.source import Source, SourceKind
from wheelyard.plan.command_wanted import Wanted, wanted_of
from wheelyard.plan.job_file import JobFile
from wheelyard.plan.key import digest_of

_SCHEME = "wheelyard-command-1"
_ROOM = frozenset({"cores", "disk_gb", "memory_gb", "sandbox"})
"""Needs that say where a build can run, and nothing about its result."""
_UNSAFE = re.compile(r"[^A-Za-z0-9._=,+-]")
_LONGEST_OPTIONS = 80
_COMMIT_LETTERS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A job whose result would serve a request."""

    key: BuildKey
    number: int
    commit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandPlan:
    """The job of a request: ``candidates`` are it and those that serve as well, the best first.

    The offer's source is not fetched yet. ``needs`` are all that its builder must have.
    """

    offer: Offer
    needs: Needs
    candidates: tuple[Candidate, ...]


def plan_command(  # noqa: PLR0913 - what a job is made of, by name
    request: CommandRequest,
    revision: Revision,
    *,
    machine: str,
    job_file: str | None = None,
    surroundings: str = "",
    limits: Limits | None = None,
) -> CommandPlan:
    """Plan the job of a request. Raises ConfigurationError and InvalidNameError.

    ``machine`` is the processor of a request that needs none in particular; ``job_file`` the text of the
    repository's, at that revision, in whose place a request may bring its own. ``surroundings`` is what of the builder's machine shapes results, where
    that is known beforehand.
    """
    wanted = wanted_of(request, JobFile.parse(request.job_file or job_file or ""), machine)
    commits = {**dict(revision.near), revision.number: revision.commit}
    candidates = tuple(
        Candidate(
            key=_key(wanted, commits[number], surroundings), number=number, commit=commits[number]
        )
        for number in nearest_first(revision.number, request.tolerance, commits)
    )
    offer = Offer(
        key=candidates[0].key,
        release=Release.of(wanted.name, str(revision.number)),
        source=Source(
            kind=SourceKind.GIT, location=request.repository, digest=f"git:{revision.commit}"
        ),
        target=wanted.target,
        requirements=(),
        limits=limits or Limits(),
        source_date_epoch=revision.seconds,
        command=_command(wanted, revision),
    )
    return CommandPlan(offer=offer, needs=wanted.needs, candidates=candidates)


def _key(wanted: Wanted, commit: str, surroundings: str) -> BuildKey:
    shaping = Needs(tuple(need for need in wanted.needs.items if need[0] not in _ROOM))

    def parts() -> Iterator[str]:
        yield from (_SCHEME, wanted.request.repository, commit, wanted.name)
        yield from (str(wanted.target), str(shaping), surroundings)
        for values in (wanted.arguments, wanted.artifacts):
            yield from (str(len(values)), *values)
        for name, value in (*wanted.options.items(), *wanted.request.variables):
            yield from (name, value)

    return BuildKey(digest_of(parts()))


def _command(wanted: Wanted, revision: Revision) -> Command:
    return Command(
        arguments=wanted.arguments,
        artifacts=wanted.artifacts,
        filename=_filename(wanted, revision),
        variables=(
            ("SOURCE_COMMIT", revision.commit),
            ("SOURCE_REVISION", str(revision.number)),
            *wanted.request.variables,
            *wanted.options.items(),
        ),
        network=wanted.request.network,
    )


def _filename(wanted: Wanted, revision: Revision) -> str:
    """Name the archive: NAME-NUMBER-COMMIT-OPTIONS.zip, with those options that are not as usual."""
    parts = [wanted.name, str(revision.number), revision.commit[:_COMMIT_LETTERS]]
    written = ",".join(f"{name}={value}" for name, value in wanted.chosen.items())
    if written:
        safe = _UNSAFE.sub("_", written)
        if safe != written or len(safe) > _LONGEST_OPTIONS:
            # Shortened, two lists of options could have one name.
            safe = f"{safe[:_LONGEST_OPTIONS]}+{digest_of((written,))[:8]}"
        parts.append(safe)
    return f"{'-'.join(parts)}.zip"
