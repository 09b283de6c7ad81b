"""Carrying migrators out: a change, and the clean-ups that ride with it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wheelyard.errors import RefusedEditError, WheelyardError
from wheelyard.migrate.feedstock import Feedstock
from wheelyard.migrate.migrator import CleanUp, Migrator


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What became of a feedstock.

    ``done`` are the migrators that changed something, ``unwanted`` those that had nothing to do, and
    ``refused`` says of clean-ups why they could not: the change itself goes on without them.
    """

    feedstock: Feedstock
    done: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


def carry(
    feedstock: Feedstock, migrators: Sequence[Migrator], clean_ups: Iterable[Migrator] = ()
) -> Carried:
    """Make changes in a feedstock, one after the other, clean-ups before or after as each wants.

    A migrator among ``migrators`` that is a clean-up rides with the others. Raises RefusedEditError
    (or another of the family) where a change itself cannot be made.
    """
    riding = [*(each for each in migrators if isinstance(each, CleanUp)), *clean_ups]
    leading = [each for each in migrators if not isinstance(each, CleanUp)]
    before = [each for each in riding if not getattr(each, "after", False)]
    after = [each for each in riding if getattr(each, "after", False)]
    done: list[str] = []
    unwanted: list[str] = []
    refused: list[str] = []
    for migrator in (*before, *leading, *after):
        if not _may_want(migrator, feedstock):
            unwanted.append(migrator.name)
            continue
        try:
            edited = migrator.edit(feedstock)
        except WheelyardError as error:
            if migrator in leading:
                raise
            refused.append(f"{migrator.name}: {error.message}")
            continue
        if edited == feedstock and migrator in leading:
            raise RefusedEditError(f"{migrator.name} changes nothing in {feedstock.name}")
        if edited == feedstock:
            unwanted.append(migrator.name)
            continue
        done.append(migrator.name)
        feedstock = edited
    return Carried(
        feedstock=feedstock, done=tuple(done), unwanted=tuple(unwanted), refused=tuple(refused)
    )


def _may_want(migrator: Migrator, feedstock: Feedstock) -> bool:
    """Say whether to carry a migrator out; where the edit says who wants it, it is made once only."""
    if isinstance(migrator, CleanUp) and migrator.wants_what_it_edits:
        return migrator.knows(feedstock)
    return migrator.wants(feedstock)
