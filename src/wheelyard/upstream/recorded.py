"""Resolvers that answer from a record, and that make one."""

from collections.abc import Mapping

from wheelyard.errors import InvalidPlanError
from wheelyard.model.resolution import Query, Resolution
from wheelyard.plan.recording import query_key
from wheelyard.ports import Resolver


class RecordedResolver:
    """Answers what was recorded, by ``query_key``; everything else goes to ``fallback``."""

    def __init__(
        self, recorded: Mapping[str, Resolution], *, fallback: Resolver | None = None
    ) -> None:
        self._recorded = recorded
        self._fallback = fallback

    async def resolve(self, query: Query) -> Resolution:
        """Return the recorded answer. Raises InvalidPlanError where there is none and no fallback."""
        answer = self._recorded.get(query_key(query))
        if answer is not None:
            return answer
        if self._fallback is None:
            asked = ", ".join(query.requirements)
            raise InvalidPlanError(
                f"the recorded plan does not say how {asked} is resolved for {query.target}",
                hint="Write the plan again with wheelyard plan, for the same targets and options.",
            )
        return await self._fallback.resolve(query)


class RecordingResolver:
    """Passes questions on and keeps every question with its answer."""

    def __init__(self, inner: Resolver) -> None:
        self._inner = inner
        self.answers: dict[str, tuple[Query, Resolution]] = {}

    async def resolve(self, query: Query) -> Resolution:
        """Return the answer of the inner resolver; failures are not kept."""
        resolution = await self._inner.resolve(query)
        self.answers[query_key(query)] = (query, resolution)
        return resolution

    @property
    def recorded(self) -> dict[str, Resolution]:
        """What RecordedResolver takes."""
        return {key: resolution for key, (_, resolution) in self.answers.items()}
