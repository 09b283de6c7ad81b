"""What can be read in a farm's event log: one name for each thing that happens (``docs/reference/event-log.md``)."""

from enum import StrEnum


class Action(StrEnum):
    """The ``action`` of a happening. Names are for good: people's filters are written with them."""

    REQUEST_ADDED = "request.added"
    REQUEST_JOINED = "request.joined"
    REQUEST_ENDED = "request.ended"
    JOB_QUEUED = "job.queued"
    JOB_LEASED = "job.leased"
    JOB_ENDED = "job.ended"
    JOB_LOST = "job.lost"
    JOB_RETURNED = "job.returned"
    JOB_CANCELLED = "job.cancelled"
    JOB_HELD = "job.held"
    JOB_APPROVED = "job.approved"
    JOB_RETRIED = "job.retried"
    JOB_RANKED = "job.ranked"
    JOB_DOUBTED = "job.doubted"
    JOB_ENLARGED = "job.enlarged"
    RESULT_LATE = "result.late"
    RESULT_REFUSED = "result.refused"
    ARTIFACT_UNPROVEN = "artifact.unproven"
    ARTIFACT_LOST = "artifact.lost"
    ARTIFACT_DIFFERED = "artifact.differed"
    BUILDER_ENROLLED = "builder.enrolled"
    BUILDER_HEARD = "builder.heard"
    BUILDER_LOST = "builder.lost"
    BUILDER_MODE = "builder.mode"
    BUILDER_ALARM = "builder.alarm"
    BUILDER_FLAGGED = "builder.flagged"
    TOKEN_CREATED = "token.created"  # noqa: S105 - the name of an event
    TOKEN_REVOKED = "token.revoked"  # noqa: S105 - the name of an event
    NOTICE_SENT = "notice.sent"
    NOTICE_FAILED = "notice.failed"
    LEADER_CHANGED = "leader.changed"
