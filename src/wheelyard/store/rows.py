"""Rows of the tables, and the nouns that they stand for."""

import json
from datetime import datetime
from functools import lru_cache
from typing import Any

from packaging.tags import Tag
from packaging.version import Version

from wheelyard.jobs.job import Job, State
from wheelyard.model.artifact import Artifact, Origin
from wheelyard.model.job import Attempt, BuildKey, Outcome
from wheelyard.model.release import ProjectName, Release
from wheelyard.store.database import Row
from wheelyard.store.moments import to_moment, to_ticks
from wheelyard.store.texts import read_report, read_tag
from wheelyard.targets.target import Target

Columns = dict[str, Any]


def job_row(job: Job) -> Columns:
    """Return the columns of a job."""
    return {
        "key": job.key,
        "project": job.release.project,
        "version": str(job.release.version),
        "target": str(job.target),
        "uploaded": to_ticks(job.uploaded),
        "state": job.state.value,
        "fence": job.fence,
        "attempt": job.attempt,
        "builder": job.builder,
        "lease_expires": to_ticks(job.lease_expires),
        "not_before": to_ticks(job.not_before),
        "counts": json.dumps(dict(job.counts)),
        "lost_by": json.dumps(job.lost_by),
        "refused_by": json.dumps(job.refused_by),
        "outcome": job.outcome.value if job.outcome else None,
        "reason": job.reason,
        "accepted": job.accepted,
        "artifact": job.artifact,
        "changed": to_ticks(job.changed),
    }


def read_job(row: Row) -> Job:
    """Return the job that a row stands for."""
    counts = json.loads(row["counts"])
    return Job(
        key=BuildKey(row["key"]),
        release=_release(row),
        target=_target(row["target"]),
        uploaded=to_moment(row["uploaded"]),
        state=State(row["state"]),
        fence=row["fence"],
        attempt=row["attempt"],
        builder=row["builder"],
        lease_expires=to_moment(row["lease_expires"]),
        not_before=to_moment(row["not_before"]),
        counts=tuple((Outcome(outcome), number) for outcome, number in counts.items()),
        lost_by=tuple(json.loads(row["lost_by"])),
        refused_by=tuple(json.loads(row["refused_by"])),
        outcome=Outcome(row["outcome"]) if row["outcome"] else None,
        reason=row["reason"],
        accepted=row["accepted"],
        artifact=row["artifact"],
        changed=to_moment(row["changed"]),
    )


def read_attempt(row: Row) -> Attempt:
    """Return the attempt that a row stands for."""
    return Attempt(
        id=row["id"],
        key=BuildKey(row["key"]),
        number=row["number"],
        release=_release(row),
        target=_target(row["target"]),
        builder=row["builder"],
        started=to_moment(row["started"]),
        finished=to_moment(row["finished"]),
        report=None if row["report"] is None else read_report(row["report"]),
    )


def attempt_row(job: Job, now: datetime) -> Columns:
    """Return the columns of an attempt that begins."""
    return {
        "key": job.key,
        "number": job.attempt,
        "project": job.release.project,
        "version": str(job.release.version),
        "target": str(job.target),
        "builder": job.builder,
        "fence": job.fence,
        "started": to_ticks(now),
    }


def artifact_row(artifact: Artifact) -> Columns:
    """Return the columns of an artifact that say what it is."""
    return {
        "filename": artifact.filename,
        "digest": artifact.digest,
        "size": artifact.size,
        "project": artifact.release.project,
        "version": str(artifact.release.version),
        "tags": " ".join(sorted(map(str, artifact.tags))),
        "origin": artifact.origin.value,
        "requires_python": artifact.requires_python,
        "requires_dist": json.dumps(artifact.requires_dist),
        "metadata_digest": artifact.metadata_digest,
        "provenance_digest": artifact.provenance_digest,
        "build_key": artifact.build_key,
        "target": None if artifact.target is None else str(artifact.target),
        "source_digest": artifact.source_digest,
        "recipe_digest": artifact.recipe_digest,
        "created": to_ticks(artifact.created),
        "yanked": artifact.yanked,
    }


def read_artifact(row: Row) -> Artifact:
    """Return the artifact that a row stands for."""
    return Artifact(
        filename=row["filename"],
        digest=row["digest"],
        size=row["size"],
        release=_release(row),
        tags=_tags(row["tags"]),
        origin=Origin(row["origin"]),
        requires_python=row["requires_python"],
        requires_dist=tuple(json.loads(row["requires_dist"])),
        metadata_digest=row["metadata_digest"],
        provenance_digest=row["provenance_digest"],
        build_key=row["build_key"],
        target=None if row["target"] is None else _target(row["target"]),
        source_digest=row["source_digest"],
        recipe_digest=row["recipe_digest"],
        created=to_moment(row["created"]),
        yanked=row["yanked"],
    )


def _release(row: Row) -> Release:
    return Release(ProjectName(row["project"]), _version(row["version"]))


# A list of jobs or files names few of each, and reading one takes longer than all the rest of its row.


@lru_cache(maxsize=4096)
def _target(text: str) -> Target:
    return Target.parse(text)


@lru_cache(maxsize=4096)
def _tags(text: str) -> frozenset[Tag]:
    return frozenset(map(read_tag, text.split()))


@lru_cache(maxsize=16384)
def _version(text: str) -> Version:
    return Version(text)
