"""Which jobs or attempts somebody means: every field that is set narrows the choice."""

from dataclasses import dataclass
from datetime import datetime

from wheelyard.jobs.job import Job, State
from wheelyard.model.job import Attempt, BuildKey, Outcome
from wheelyard.model.release import ProjectName
from wheelyard.targets.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A choice of jobs, or of attempts.

    ``reason`` is looked for anywhere in the reason, in any case of letters. ``since`` is compared
    with the last change of a job and with the start of an attempt. ``state`` means jobs only.
    """

    project: ProjectName | None = None
    target: Target | None = None
    outcome: Outcome | None = None
    state: State | None = None
    builder: str = ""
    reason: str = ""
    since: datetime | None = None
    keys: tuple[BuildKey, ...] = ()

    def wants(self, job: Job) -> bool:
        """Say whether a job is meant."""
        return (
            (self.project is None or job.release.project == self.project)
            and (self.target is None or job.target == self.target)
            and (self.outcome is None or job.outcome is self.outcome)
            and (self.state is None or job.state is self.state)
            and (not self.builder or job.builder == self.builder)
            and self.reason.lower() in job.reason.lower()
            and (self.since is None or (job.changed is not None and job.changed >= self.since))
            and (not self.keys or job.key in self.keys)
        )

    def wants_attempt(self, attempt: Attempt) -> bool:
        """Say whether an attempt is meant."""
        outcome = attempt.report.outcome if attempt.report else None
        reason = attempt.report.reason if attempt.report else ""
        return (
            (self.project is None or attempt.release.project == self.project)
            and (self.target is None or attempt.target == self.target)
            and (self.outcome is None or outcome is self.outcome)
            and (not self.builder or attempt.builder == self.builder)
            and self.reason.lower() in reason.lower()
            and (self.since is None or attempt.started >= self.since)
            and (not self.keys or attempt.key in self.keys)
        )


EVERYTHING = Selection()
