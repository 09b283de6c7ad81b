"""What waits in which pool, as far as the leader knows: enough to ask the queue only where it may answer.

Counts may be off by what other processes did; they are put right whenever the pools are read again.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from wheelyard.coordinator.farm.roster import Roster, facts_of
from wheelyard.farm_ports import PoolDepth, Terms
from wheelyard.jobs.needs import Needs, meets
from wheelyard.model.builder import Builder


@dataclass(slots=True, kw_only=True)
class _Open:
    needs: Needs
    waiting: int = 0
    owners: set[str] = field(default_factory=set)


class OpenPools:
    """Pools in which something waits."""

    def __init__(self) -> None:
        self._pools: dict[str, _Open] = {}

    def refresh(self, depths: Iterable[PoolDepth]) -> None:
        """Take what the queue says."""
        self._pools = {
            depth.pool: _Open(
                needs=Needs.of(depth.needs), waiting=depth.waiting, owners=set(depth.owners)
            )
            for depth in depths
        }

    def submitted(self, terms: Terms) -> None:
        """Note that one more job waits."""
        pool = self._pools.setdefault(terms.pool, _Open(needs=Needs.of(terms.needs)))
        pool.waiting += 1
        pool.owners.add(terms.owner)

    def leased(self, pool: str) -> None:
        """Note that one job less waits."""
        if pool in self._pools:
            self._pools[pool].waiting -= 1

    def met_by(self, builder: Builder, roster: Roster) -> Mapping[str, Collection[str]]:
        """Return the pools that a builder can take from, each with the others that could."""
        facts = facts_of(builder)
        return {
            name: [one.name for one in roster.able(pool.needs) if one.name != builder.name]
            for name, pool in self._pools.items()
            if pool.waiting > 0 and meets(facts, pool.needs)
        }

    def owners(self, pools: Collection[str]) -> tuple[str, ...]:
        """Return whose jobs wait in some pools, by name."""
        return tuple(sorted({owner for name in pools for owner in self._pools[name].owners}))
