"""The algebra of variants: what a pin file becomes for one platform once a migration is merged into it.

The rules are conda-smithy's (CFEP-9): value by value the higher one wins, by conda's order of
versions or by the ``ordering`` that the migration gives; ``key_add`` adds combinations of the keys
that are zipped with its primary key, ``key_remove`` takes them away. One thing is made stricter: a
combination is never changed in a part, so that keys that are zipped keep their lengths.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from wheelyard.errors import InvalidMigrationError, InvalidNameError, nearest
from wheelyard.migrate.pins.migration import PinMigration
from wheelyard.migrate.pins.pinfile import PinFile
from wheelyard.migrate.pins.yaml_nodes import selector_of
from wheelyard.recipes.evaluated import Variant
from wheelyard.recipes.platforms import selector_names
from wheelyard.recipes.selectors import selects
from wheelyard.recipes.templates.bounds import TemplateError
from wheelyard.recipes.version_order import version_of

Order = Callable[[str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variants:
    """Values by key for one platform, and the keys that move together."""

    values: Mapping[str, tuple[str, ...]]
    zip_keys: tuple[tuple[str, ...], ...] = ()
    run_as_build: Mapping[str, object] = field(default_factory=dict)

    def zipped_with(self, key: str) -> tuple[str, ...]:
        """Give the keys that move together with one, itself among them."""
        for group in self.zip_keys:
            if key in group:
                return group
        return (key,)


def variants_for(text: str, variant: Variant, *, name: str) -> Variants:
    """Give what a pin file says for a platform. Raises InvalidMigrationError with the line of a fault."""
    return _of(PinFile.parse(_selected(text, variant, name), name=name))


def _selected(text: str, variant: Variant, name: str) -> str:
    """Give a text with the lines that stand on a platform; the others are left empty.

    A bracket counts as a selector in a comment only: outside of one it is a list of values.
    """
    names = selector_names(variant)
    lines = text.splitlines()
    for number, line in enumerate(lines):
        selector = selector_of(line)
        try:
            if selector and not selects(selector, names):
                lines[number] = ""
        except TemplateError as error:
            raise InvalidMigrationError(
                f"{name}:{number + 1}: {error.message}", hint=error.hint
            ) from error
    return "\n".join(lines)


def _of(pins: PinFile) -> Variants:
    return Variants(
        values={key: tuple(value.text for value in pins.of(key)) for key in pins.names()},
        zip_keys=pins.zip_keys,
        run_as_build=pins.run_as_build,
    )


def merged(text: str, migration: PinMigration, variant: Variant, *, name: str) -> Variants:
    """Give a pin file with a migration merged into it, for one platform.

    Raises InvalidMigrationError where the migration gives no value for a key that moves with its own.
    """
    change = variants_for(migration.text, variant, name=f"{migration.name}.yaml")
    return add(variants_for(text, variant, name=name), change, migration)


def add(left: Variants, right: Variants, migration: PinMigration) -> Variants:
    """Merge the values of a migration into variants."""
    match migration.operation:
        case "key_add":
            return _key_add(left, right, migration)
        case "key_remove":
            return _key_remove(left, right, migration)
    groups = _groups(left.zip_keys, right.zip_keys)
    values = {**left.values, **{k: v for k, v in right.values.items() if k not in left.values}}
    done: set[str] = set()
    for key in right.values:
        if key in done or key not in left.values:
            continue
        group = tuple(
            each
            for each in next((each for each in groups if key in each), (key,))
            if each in left.values and each in right.values
        )
        done |= set(group)
        if migration.primary_key in group and len(group) > 1:
            values |= _by_primary(left, right, group, migration)
        else:
            for each in group:
                values[each] = higher(
                    left.values[each], right.values[each], migration.ordering.get(each)
                )
    return Variants(
        values=values,
        zip_keys=groups,
        run_as_build={**left.run_as_build, **right.run_as_build},
    )


def order_of(ordering: Sequence[str] | None) -> Order:
    """Give the order of a key's values: the place in a list, else conda's order of versions."""
    if ordering is not None:
        places = {value: place for place, value in enumerate(ordering)}

        def by_place(value: str) -> object:
            if value not in places:
                raise InvalidMigrationError(
                    f"{value!r} has no place in the ordering of its key",
                    hint=nearest(value, places) or "Add it to `ordering`.",
                )
            return places[value]

        return by_place
    return _Ordered


class _Ordered:
    """A value in conda's order; what is no version stands by its text, before all versions."""

    __slots__ = ("_key",)

    def __init__(self, text: str) -> None:
        try:
            self._key: tuple[int, object] = (
                1,
                version_of(text.replace(" ", ".").replace("*", "1")),
            )
        except InvalidNameError:
            self._key = (0, text)

    def __lt__(self, other: "_Ordered") -> bool:
        return self._key < other._key


def higher(
    left: tuple[str, ...], right: tuple[str, ...], ordering: Sequence[str] | None = None
) -> tuple[str, ...]:
    """Give the higher value of each place; with an ordering, the highest ones of both."""
    order = order_of(ordering)
    if ordering is None:
        return tuple(
            theirs if mine is None or (theirs is not None and order(mine) < order(theirs)) else mine  # type: ignore[operator]
            for mine, theirs in zip_longest(left, right)
        )
    longest = max(len(left), len(right))
    known = sorted({*left, *right}, key=order)  # type: ignore[arg-type]
    if len(known) == 1:
        return (known[0],) * longest
    if len(known) < longest:
        raise InvalidMigrationError(
            f"{', '.join(left)} and {', '.join(right)} cannot be merged by an ordering",
            hint="A value stands twice; zip the key, or give the migration an operation.",
        )
    return tuple(known[-longest:])


def _by_primary(
    left: Variants, right: Variants, group: tuple[str, ...], migration: PinMigration
) -> dict[str, tuple[str, ...]]:
    """Choose whole combinations, by the value of the primary key that wins in each place."""
    primary = migration.primary_key
    chosen = higher(left.values[primary], right.values[primary], migration.ordering.get(primary))
    mine, theirs = list(_rows(left, group)), list(_rows(right, group))
    at = group.index(primary)
    picked = []
    for value in chosen:
        row = next((each for each in (*theirs, *mine) if each[at] == value), None)
        assert row is not None, "a value that was chosen stands on one side"
        (theirs if row in theirs else mine).remove(row)
        picked.append(row)
    return dict(zip(group, zip(*picked, strict=True), strict=True))


def _rows(variants: Variants, group: tuple[str, ...]) -> list[tuple[str, ...]]:
    return list(zip(*(variants.values[key] for key in group), strict=False))


def _groups(
    left: tuple[tuple[str, ...], ...], right: tuple[tuple[str, ...], ...]
) -> tuple[tuple[str, ...], ...]:
    """Join groups of zipped keys: one that lies in another is that other."""
    found: list[tuple[str, ...]] = []
    for group in sorted((*right, *left), key=len, reverse=True):
        if not any(set(group) <= set(other) for other in found):
            found.append(group)
    return tuple(sorted(found, key=lambda group: (len(group), group)))


def _zip_with_more(left: Variants, migration: PinMigration) -> tuple[Variants, tuple[str, ...]]:
    """Zip the additional keys of a migration with its primary key; a single value is repeated."""
    group = left.zipped_with(migration.primary_key)
    more = tuple(key for key in migration.additional_zip_keys if key not in group)
    if not more:
        return left, group
    wanted = len(left.values[migration.primary_key])
    values = dict(left.values)
    for key in more:
        held = values.get(key, ())
        if len(held) != 1:
            raise InvalidMigrationError(
                f"{key!r} has {len(held)} values and cannot be zipped with {migration.primary_key!r}",
                hint="A key that is newly zipped has one value, which is repeated.",
            )
        values[key] = held * wanted
    whole = (*group, *more)
    others = tuple(each for each in left.zip_keys if each != group)
    return (
        Variants(values=values, zip_keys=(*others, whole), run_as_build=left.run_as_build),
        whole,
    )


def _key_add(left: Variants, right: Variants, migration: PinMigration) -> Variants:
    primary = migration.primary_key
    if primary not in right.values:
        return left
    if primary not in left.values:
        raise InvalidMigrationError(
            f"{primary!r} is no pin, so that no value can be added to it",
            hint=nearest(primary, left.values),
        )
    left, group = _zip_with_more(left, migration)
    for key in group:
        if len(right.values.get(key, ())) < len(right.values[primary]):
            raise InvalidMigrationError(
                f"{migration.name}.yaml says too little of {key!r}, which moves with {primary!r}",
                hint=f"Give it one value for each of {primary!r}.",
            )
    rows = _rows(left, group)
    rows += [row for row in _rows(right, group) if row not in rows]
    order, at = order_of(migration.ordering.get(primary)), group.index(primary)
    rows.sort(key=lambda row: order(row[at]))  # type: ignore[arg-type,return-value]
    values = {**left.values, **dict(zip(group, zip(*rows, strict=True), strict=True))}
    for key, ordering in migration.ordering.items():
        if key not in group and key in left.values and key in right.values:
            values[key] = higher(left.values[key], right.values[key], ordering)
    return Variants(values=values, zip_keys=left.zip_keys, run_as_build=left.run_as_build)


def _key_remove(left: Variants, right: Variants, migration: PinMigration) -> Variants:
    primary = migration.primary_key
    gone = set(right.values.get(primary, ()))
    if not gone & set(left.values.get(primary, ())):
        return left
    group = left.zipped_with(primary)
    at = group.index(primary)
    rows = [row for row in _rows(left, group) if row[at] not in gone]
    if not rows:
        raise InvalidMigrationError(
            f"{migration.name}.yaml would leave no value of {primary!r}",
            hint="Keep at least one.",
        )
    values = {**left.values, **dict(zip(group, zip(*rows, strict=True), strict=True))}
    return Variants(values=values, zip_keys=left.zip_keys, run_as_build=left.run_as_build)
