"""How a package stands in a migration.

*Issued*, *merged* and *published* are three things: a proposal that was made may be refused, and what was merged
may fail to build. What counts is evidence, of whoever made it: the recipe, the index, then our own records.
"""

from dataclasses import dataclass
from enum import Enum


class State(Enum):
    """Where a package stands."""

    AWAITING_PARENTS = "awaiting-parents"
    AWAITING_PROPOSAL = "awaiting-proposal"
    PROPOSED = "proposed"
    MERGED = "merged"
    PUBLISHED = "published"
    FAILED = "failed"
    NOT_SOLVABLE = "not-solvable"
    NEEDS_DECISION = "needs-decision"


class Offered(Enum):
    """What became of a proposal."""

    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of a package.

    ``offered``: of our proposal, where there was one. ``migrated``: the recipe itself has the change, whoever made it.
    ``published``: the index has what was built with it; None where there is no index to look into. ``failed``:
    what went wrong, with its edit, its trial or its build. ``not_solvable``: why its requirements cannot be met.
    """

    offered: Offered | None = None
    migrated: bool = False
    published: bool | None = None
    failed: str = ""
    not_solvable: str = ""

    @property
    def by_hand(self) -> bool:
        """Whether the recipe was changed without our proposal being merged."""
        return self.migrated and self.offered is not Offered.MERGED

    @property
    def counts(self) -> bool:
        """Whether its dependants may go on.

        What was changed by hand counts with the recipe alone where there is no index that says more.
        """
        return bool(self.published) or (self.by_hand and self.published is None)

    @property
    def settled(self) -> bool:
        """Whether no edit of the recipe is to come any more."""
        return bool(self.published) or self.migrated or self.offered is Offered.MERGED

    def state(self, *, waits: bool) -> State:
        """Return the state of its package; ``waits``: some parent does not count yet."""
        if self.counts:
            return State.PUBLISHED
        if self.settled:
            return State.FAILED if self.failed else State.MERGED
        if self.offered is Offered.OPEN:
            return State.FAILED if self.failed else State.PROPOSED
        if self.offered is Offered.CLOSED:
            return State.NEEDS_DECISION
        if self.not_solvable:
            return State.NOT_SOLVABLE
        if self.failed:
            return State.FAILED
        return State.AWAITING_PARENTS if waits else State.AWAITING_PROPOSAL


NOTHING = Evidence()
