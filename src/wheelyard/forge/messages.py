"""The words of a proposal: the message of its commit, from which it is known again, and what is said of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from wheelyard.model.proposal import Check, CheckState, Draft, ProposalName, check_key

_KEY = "Wheelyard-Proposal"
_ROUND = "Wheelyard-Round"
_ONTO = "Wheelyard-Onto"
_LABEL = "Wheelyard-Label"
_OWN = frozenset({_KEY, _ROUND, _ONTO, _LABEL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What the message of a commit says; ``key`` is empty where it is none of ours."""

    title: str
    key: str = ""
    round: int = 1
    onto: str = ""
    labels: tuple[str, ...] = ()

    def named(self, repository: str) -> ProposalName | None:
        """Return which proposal it is of."""
        return (
            ProposalName(repository=repository, key=self.key, round=self.round)
            if self.key
            else None
        )


def written(draft: Draft) -> str:
    """Return the message of a draft's commit: title, body, and what names it, as git's trailers."""
    trailers = [(_KEY, draft.key)]
    trailers += [(_ROUND, str(draft.round))] if draft.round > 1 else []
    trailers += [(_ONTO, draft.onto)] if draft.onto else []
    trailers += [(_LABEL, " ".join(label.split())) for label in draft.labels]
    lines = "\n".join(f"{name}: {value}" for name, value in trailers)
    parts = [draft.title.strip(), draft.body.strip(), lines]
    return "\n\n".join(part for part in parts if part) + "\n"


def read(text: str) -> Message:
    """Read the message of a commit, whoever wrote it."""
    title, _, rest = text.strip().partition("\n")
    found = [_trailer(line) for line in rest.splitlines()]
    # A squashed merge repeats the message of what it merges somewhere within its own.
    trailers = [pair for pair in found if pair is not None]
    last = dict(trailers)
    key = last.get(_KEY, "")
    number = last.get(_ROUND, "1")
    return Message(
        title=title,
        key=key if _is_key(key) else "",
        round=int(number) if number.isdecimal() and 0 < len(number) < 6 and int(number) else 1,  # noqa: PLR2004 - nobody is asked so often
        onto=last.get(_ONTO, ""),
        labels=tuple(value for name, value in trailers if name == _LABEL),
    )


def _trailer(line: str) -> tuple[str, str] | None:
    name, colon, value = line.partition(": ")
    return (name, value.strip()) if colon and name in _OWN else None


def _is_key(key: str) -> bool:
    from wheelyard.errors import ConfigurationError

    try:
        check_key(key)
    except ConfigurationError:
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Remarks:
    """What was said of a proposal: comments by what they are said once for, and checks by name."""

    comments: Mapping[str, str] = field(default_factory=dict)
    checks: Mapping[str, Check] = field(default_factory=dict)

    def dump(self) -> bytes:
        """Return bytes that ``load`` reads."""
        checks = {
            name: {"state": str(check.state), "url": check.url, "summary": check.summary}
            for name, check in self.checks.items()
        }
        text = json.dumps({"comments": dict(self.comments), "checks": checks}, indent=1)
        return (text + "\n").encode()

    @classmethod
    def load(cls, content: bytes) -> "Remarks":
        """Read bytes; what cannot be read counts as nothing said, for people write there, too."""
        try:
            found = json.loads(content)
            checks = {
                str(name): Check(
                    name=str(name),
                    state=CheckState(said["state"]),
                    url=str(said.get("url", "")),
                    summary=str(said.get("summary", "")),
                )
                for name, said in found["checks"].items()
            }
            comments = {str(once): str(text) for once, text in found["comments"].items()}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return cls()
        return cls(comments=comments, checks=checks)
