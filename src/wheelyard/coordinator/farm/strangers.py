"""What strangers built, until somebody else has made the same bytes.

A trusted builder's word counts at once. Of a stranger's wheel only the digest is believed, and only
together with the same digest by another owner; until then the job stays open for somebody else.
"""

from dataclasses import dataclass

import msgspec

from wheelyard.model.builder import Builder, Tier
from wheelyard.model.job import BuildKey
from wheelyard.ports import Memory

_MADE = "made-by-strangers-1"


class Made(msgspec.Struct, frozen=True):
    """Who made which bytes for a job."""

    builder: str
    owner: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Whether a wheel counts; ``differing`` are makers of other bytes for the same job."""

    counts: bool
    differing: tuple[Made, ...] = ()


class Strangers:
    """Remembers what strangers made. With ``required`` off everybody's word counts."""

    def __init__(self, memory: Memory, *, required: bool) -> None:
        self._memory = memory
        self._required = required

    async def judge(self, builder: Builder, key: BuildKey, digest: str) -> Proof:
        """Say whether what a builder made for a job counts now."""
        if not self._required:
            return Proof(counts=True)
        known = await self._known(key)
        differing = tuple(one for one in known if one.digest != digest)
        if builder.tier is Tier.TRUSTED:
            return Proof(counts=True, differing=differing)
        if any(one.digest == digest and one.owner != builder.owner for one in known):
            return Proof(counts=True, differing=differing)
        mine = Made(builder=builder.name, owner=builder.owner, digest=digest)
        rest = [one for one in known if one.builder != builder.name]
        await self._memory.keep(_MADE, key, msgspec.json.encode([*rest, mine]))
        return Proof(counts=False, differing=differing)

    async def _known(self, key: BuildKey) -> list[Made]:
        kept = await self._memory.recall(_MADE, key)
        return msgspec.json.decode(kept, type=list[Made]) if kept is not None else []
