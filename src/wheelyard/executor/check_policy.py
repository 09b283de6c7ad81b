"""The checks of a built wheel by name, and what the finding of each does to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Self

from wheelyard.errors import ConfigurationError, nearest
from wheelyard.model.job import Verdict

DEFAULT_VERDICTS: Mapping[str, Verdict] = MappingProxyType(
    {
        "pure-but-upstream-is-binary": Verdict.HOLD,
        # Upstream itself ships it with and without what is compiled.
        "optional-extension-left-out": Verdict.WARN,
        "missing-extension": Verdict.HOLD,
        # Upstream's wheels carry files that no build from an sdist has: tests, generated sources.
        "missing-files": Verdict.WARN,
        "platform-tag-without-binary": Verdict.HOLD,
        "unsupported-platform-tag": Verdict.HOLD,
        "foreign-architecture": Verdict.HOLD,
        "abi3-violation": Verdict.HOLD,
        "build-path-leak": Verdict.WARN,
        "tests-at-top-level": Verdict.WARN,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckPolicy:
    """What findings do; a check that ``verdicts`` does not name keeps its default."""

    verdicts: Mapping[str, Verdict] = field(default_factory=dict)

    @classmethod
    def parse(cls, settings: Mapping[str, str]) -> Self:
        """Read verdicts by check. Raises ConfigurationError."""
        return cls(verdicts={_check(name): _verdict(name, word) for name, word in settings.items()})

    def verdict(self, check: str) -> Verdict:
        """Say what a finding of this check does."""
        return self.verdicts.get(check, DEFAULT_VERDICTS[check])


def _check(name: str) -> str:
    if name not in DEFAULT_VERDICTS:
        raise ConfigurationError(
            f"{name!r} is not a check",
            hint=nearest(name, DEFAULT_VERDICTS)
            or f"The checks are {', '.join(DEFAULT_VERDICTS)}.",
        )
    return name


def _verdict(name: str, word: str) -> Verdict:
    try:
        return Verdict(word)
    except ValueError as error:
        raise ConfigurationError(
            f"{word!r} is not a verdict for {name}",
            hint=nearest(word, [verdict.value for verdict in Verdict])
            or f"The verdicts are {', '.join(Verdict)}.",
        ) from error
