"""What GitHub says of pull requests, read into our words, and our words for it.

Nothing that it says is trusted to be there: a field that is missing or of another kind counts as empty.
"""

import hashlib
from collections.abc import Iterable
from typing import Any

from wheelyard.forge.messages import Message
from wheelyard.model.proposal import Check, CheckState, Draft

Json = Any

_RUN_STATES = {
    "success": CheckState.PASSED,
    "neutral": CheckState.PASSED,
    "skipped": CheckState.PASSED,
}
_STATUS_STATES = {
    "success": CheckState.PASSED,
    "failure": CheckState.FAILED,
    "error": CheckState.FAILED,
    "pending": CheckState.PENDING,
}
STATUS_OF = {
    CheckState.PASSED: "success",
    CheckState.FAILED: "failure",
    CheckState.PENDING: "pending",
}
DESCRIPTION_LIMIT = 140
_TITLE_LIMIT = 256
_BODY_LIMIT = 60_000


def title_of(draft: Draft) -> str:
    """Return the title of a pull request."""
    return draft.title.strip()[:_TITLE_LIMIT]


def body_of(draft: Draft) -> str:
    """Return the text of a pull request, with a sign by which people's tools can find ours."""
    sign = f"<!-- wheelyard proposal {draft.key} round {draft.round} -->"
    return f"{draft.body.strip()[:_BODY_LIMIT]}\n\n{sign}\n".lstrip()


def sign_of(once: str) -> str:
    """Return what a comment ends with that is said once."""
    digest = hashlib.sha256(once.encode()).hexdigest()[:20]
    return f"<!-- wheelyard said {digest} -->"


def checks_of_runs(runs: Iterable[Json]) -> list[Check]:
    """Read check runs, which apps report."""
    return [
        Check(
            name=text(run, "name"),
            state=_RUN_STATES.get(text(run, "conclusion"), CheckState.FAILED)
            if text(run, "status") == "completed"
            else CheckState.PENDING,
            url=text(run, "html_url"),
            summary=text(field(run, "output"), "title"),
        )
        for run in runs
    ]


def checks_of_statuses(statuses: Iterable[Json]) -> list[Check]:
    """Read commit statuses, which everybody with a token reports; the newest of a name counts."""
    found: dict[str, Check] = {}
    for status in statuses:
        name = text(status, "context")
        found.setdefault(
            name,
            Check(
                name=name,
                state=_STATUS_STATES.get(text(status, "state"), CheckState.PENDING),
                url=text(status, "target_url"),
                summary=text(status, "description"),
            ),
        )
    return list(found.values())


def labels_of(pull: Json) -> tuple[str, ...]:
    """Return the labels of a pull request."""
    return tuple(text(label, "name") for label in field(pull, "labels") or ())


def field(said: Json, name: str) -> Json:
    """Return a field of an object, or None."""
    return said.get(name) if isinstance(said, dict) else None


def text(said: Json, *names: str) -> str:
    """Return a text within objects, or an empty one."""
    for name in names:
        said = field(said, name)
    return said if isinstance(said, str) else ""


def is_ours(message: Message, key: str) -> bool:
    """Whether a commit was made for a proposal of this key."""
    return message.key == key
