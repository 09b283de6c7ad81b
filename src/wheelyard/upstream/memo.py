"""Answers of earlier runs, used again while everything that they rest on reads the same.

Checking an answer takes one look at each project page that was read for it, which the index client
has in its cache; resolving again would take a process, and the metadata of every release considered.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from wheelyard.errors import InvalidPlanError, UpstreamError
from wheelyard.model.resolution import Query, Resolution
from wheelyard.plan.recording import decode, encode, query_key
from wheelyard.ports import Memory
from wheelyard.upstream.trace import Evidence, TracingResolver

_KIND = "resolution-1"
_SOME_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    resolution: Resolution
    evidence: Evidence


class MemoResolver:
    """A Resolver that remembers the answers of another one across runs."""

    def __init__(self, inner: TracingResolver, *, memory: Memory) -> None:
        self._inner = inner
        self._memory = memory

    async def resolve(self, query: Query) -> Resolution:
        """Return the remembered answer where it still holds, else resolve anew and remember that."""
        key = _key(query)
        answer = _read(await self._memory.recall(_KIND, key))
        if answer is not None and await self._still_holds(answer.evidence, query):
            return answer.resolution
        trace = await self._inner.trace(query)
        if trace.evidence is not None:
            kept = _Answer(resolution=trace.resolution, evidence=trace.evidence)
            await self._memory.keep(_KIND, key, encode(kept))
        return trace.resolution

    async def _still_holds(self, evidence: Evidence, query: Query) -> bool:
        if not evidence.holds_at(query.policy.before):
            return False
        target = query.target
        pages = [self._inner.fingerprint(project, target) for project, _ in evidence.fingerprints]
        metadata = [self._inner.metadata_digest(release) for release, _ in evidence.metadata]
        expected = [known for _, known in (*evidence.fingerprints, *evidence.metadata)]
        found = await asyncio.gather(*map(_or_empty, (*pages, *metadata)))
        return list(found) == expected


async def _or_empty(look: Awaitable[str]) -> str:
    # What cannot be looked up is not confirmed; resolving anew meets the error and tells it.
    try:
        return await look
    except UpstreamError:
        return ""


def _key(query: Query) -> str:
    """Name a query apart from the moment of its cool-down, which is another one in every run."""
    if query.policy.before is None:
        return query_key(query)
    return query_key(replace(query, policy=replace(query.policy, before=_SOME_MOMENT)))


def _read(content: bytes | None) -> _Answer | None:
    if content is None:
        return None
    try:
        return decode(content, _Answer)
    except InvalidPlanError:
        # An older version wrote it in another form.
        return None
