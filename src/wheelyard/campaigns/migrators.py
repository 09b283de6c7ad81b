"""Which migrators there are: those that come with wheelyard, and those that other packages bring."""

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points

from wheelyard.errors import ConfigurationError, nearest
from wheelyard.migrate.builtin import BUILTIN
from wheelyard.migrate.migrator import Migrator, make, parse_reference
from wheelyard.recipes.answers import Answers

GROUP = "wheelyard.migrators"
"""The group of entry points: a name, and the class of a migrator."""


def known_migrators(found: tuple[EntryPoint, ...] | None = None) -> Mapping[str, type]:
    """Give the classes of all migrators by name; one that another package brings goes before ours.

    Raises ConfigurationError where one cannot be loaded, or is none.
    """
    known: dict[str, type] = dict(BUILTIN)
    for point in tuple(entry_points(group=GROUP)) if found is None else found:
        if point.value.startswith("wheelyard.migrate."):
            continue
        known[point.name] = _loaded(point)
    return known


def _loaded(point: EntryPoint) -> type:
    try:
        kind = point.load()
    except Exception as error:
        raise ConfigurationError(
            f"the migrator {point.name!r} cannot be loaded from {point.value!r}: {error}",
            hint="Mend or remove the package that brings it.",
        ) from error
    wanted = ("name", "summary", "wants", "edit")
    missing = [each for each in wanted if not hasattr(kind, each)]
    if missing or not isinstance(kind, type):
        raise ConfigurationError(
            f"{point.value!r} is no migrator: it has no {' and no '.join(missing) or 'class'}",
            hint="docs/how-to/write-a-migrator.md says what one has.",
        )
    return kind


def migrator_of(reference: str, *, answers: Answers | None = None) -> Migrator:
    """Make the migrator that ``name:option=value,…`` names. Raises ConfigurationError."""
    name, options = parse_reference(reference)
    known = known_migrators()
    if name not in known:
        raise ConfigurationError(
            f"there is no migrator {name!r}",
            hint=nearest(name, known) or "'wheelyard recipe migrators' lists them.",
        )
    return make(known[name], options, answers=answers)
