"""How a kind of request is carried out, whatever the kind: what the desk knows of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from wheelyard.coordinator.farm.crew import CrewParts
from wheelyard.model.job import BuildKey
from wheelyard.model.request import Request, RequestState


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """How a request ended; ``lines`` say more, for those who are told."""

    state: RequestState
    reason: str
    lines: tuple[str, ...] = ()


def with_hint(reason: str, hint: str) -> str:
    """Write what to do next below a reason, so that whoever reads the request reads that, too."""
    return f"{reason}\nhint: {hint}" if hint else reason


class Undertaking(Protocol):
    """One open request that is carried out."""

    async def carry_out(self) -> Conclusion:
        """See it through. Raises WheelyardError; what passes by itself is begun anew later."""
        ...

    def keys(self) -> Sequence[BuildKey]:
        """Return the jobs that it waits for."""
        ...

    def waits_for(self) -> Sequence[str]:
        """Say for everything that is not there yet what it waits for."""
        ...


class Carrier(Protocol):
    """Carries out requests of one kind."""

    def check(self, text: bytes) -> tuple[str, str]:
        """Return digest and summary of what is asked for. Raises ConfigurationError where it cannot be."""
        ...

    def begin(self, request: Request) -> Undertaking:
        """Return the undertaking of an open request. Raises ConfigurationError."""
        ...


MakeCarrier = Callable[[CrewParts], Carrier]
"""Makes the carrier of a kind of request. It is made anew for each leadership, as its parts are."""
