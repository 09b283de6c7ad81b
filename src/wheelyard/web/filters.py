"""Which jobs somebody means, from a query or a body."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from wheelyard.jobs.job import State
from wheelyard.jobs.selection import Selection
from wheelyard.model.job import BuildKey, Outcome
from wheelyard.model.release import project_name
from wheelyard.targets.target import Target
from wheelyard.web.endpoint import Call, Parameter
from wheelyard.web.refusals import Refusal, shortened

PARAMETERS = (
    Parameter(name="project", says="Only those of a project."),
    Parameter(name="target", says="Only those for a target, with its platform."),
    Parameter(name="outcome", says="Only those that ended so."),
    Parameter(name="state", says="ready, leased, done, held or cancelled."),
    Parameter(name="builder", says="Only those of a builder."),
    Parameter(name="reason", says="Only those whose reason holds a text."),
    Parameter(name="since", says="Only those changed since a moment (ISO 8601)."),
)


class Filter(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A choice of jobs: every field that is set narrows it."""

    project: str = ""
    target: str = ""
    outcome: Outcome | None = None
    state: State | None = None
    builder: str = ""
    reason: str = ""
    since: datetime | None = None
    keys: tuple[str, ...] = ()

    def selection(self) -> Selection:
        """Return it as the stores take it. Raises WheelyardError."""
        since = self.since
        if since is not None and since.tzinfo is None:
            since = since.replace(tzinfo=UTC)
        return Selection(
            project=project_name(self.project) if self.project else None,
            target=Target.parse(self.target) if self.target else None,
            outcome=self.outcome,
            state=self.state,
            builder=self.builder,
            reason=self.reason,
            since=since,
            keys=tuple(map(BuildKey, self.keys)),
        )


def filter_of(call: Call) -> Filter:
    """Read a query. Raises a Refusal."""
    return filter_from({one.name: call.text(one.name) for one in PARAMETERS})


def filter_from(fields: Mapping[str, str]) -> Filter:
    """Read the fields of a query or a form; others are passed over. Raises a Refusal."""
    values = {one.name: fields[one.name] for one in PARAMETERS if fields.get(one.name)}
    try:
        return msgspec.convert(values, Filter, strict=False)
    except msgspec.ValidationError as error:
        raise Refusal(422, f"the query cannot be followed: {shortened(str(error), 400)}") from error


PAGES = (
    Parameter(name="limit", says="At most so many, 1000 at most.", kind="integer"),
    Parameter(name="offset", says="Leave out so many first.", kind="integer"),
)
_MOST = 1000
_FARTHEST = 10_000


def page_of(call: Call, default: int = 100) -> tuple[int, int]:
    """Return offset and limit. Raises a Refusal."""
    limit = call.number("limit", default, least=1, most=_MOST)
    offset = call.number("offset", 0)
    if offset > _FARTHEST:
        raise Refusal(
            422, f"offset {offset} is too far", "Narrow the choice, by since for example."
        )
    return offset, limit


def next_offset(found: Sequence[object], offset: int, limit: int) -> int | None:
    """Return where the next page begins, where one more than asked for was found."""
    return offset + limit if len(found) > offset + limit else None
