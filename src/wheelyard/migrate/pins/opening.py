"""Opening migrations: what a changed pin file starts by itself, and the file that says so."""

import re
from collections.abc import Iterable, Mapping, Sequence

from wheelyard.migrate.pins.migration import PinMigration
from wheelyard.migrate.pins.pinfile import PinFile, PinValue

_PLAIN = re.compile(r"[A-Za-z_][\w .*+/-]*$")
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})


def migration_text(
    pins: Mapping[str, Sequence[PinValue]],
    *,
    title: str,
    timestamp: float,
    operation: str = "",
    primary_key: str = "",
) -> str:
    """Write a migration as conda-forge's bot does: keys in order, versions in quotes."""
    table = {
        "build_number": "1",
        "commit_message": title,
        "kind": "version",
        "migration_number": "1",
    }
    if operation:
        table |= {"operation": operation, "primary_key": primary_key}
    lines = ["__migrator:", *(f"  {key}: {_written(table[key], key)}" for key in sorted(table))]
    body = {key: list(values) for key, values in pins.items()}
    for key in sorted([*body, "migrator_ts"]):
        if key == "migrator_ts":
            lines.append(f"migrator_ts: {timestamp}")
            continue
        lines.append(f"{key}:")
        for value in body[key]:
            selector = f"  # [{value.selector}]" if value.selector else ""
            lines.append(f"- {_written(value.text, key)}{selector}")
    return "\n".join(lines) + "\n"


def _written(text: str, key: str) -> str:
    if key in {"build_number", "migration_number"}:
        return text
    if text.lower() in _WORDS or not _PLAIN.match(text):
        return "'" + text.replace("'", "''") + "'"
    return text


def started(old: str, new: str, *, timestamp: float) -> tuple[PinMigration, ...]:
    """Give the migrations that a change of the pin file starts, one for each set of keys that move together.

    A pin that is new starts none: nothing was built against another. ``key_add`` and ``key_remove``
    are told from a change by the combinations of values that are left.
    """
    before, after = (PinFile.parse(text, name="conda_build_config.yaml") for text in (old, new))
    changed = [
        key
        for key in after.names()
        if before.of(key) and after.of(key) and _content(before, key) != _content(after, key)
    ]
    found = []
    done: set[str] = set()
    for key in changed:
        if key in done:
            continue
        group = tuple(dict.fromkeys([*before.zipped_with(key), *after.zipped_with(key)]))
        done |= set(group)
        found.append(_of_group(before, after, group, changed, timestamp))
    return tuple(found)


def _content(pins: PinFile, key: str) -> list[tuple[str, str]]:
    return [(value.text, value.selector) for value in pins.of(key)]


def _of_group(
    before: PinFile, after: PinFile, group: tuple[str, ...], changed: list[str], timestamp: float
) -> PinMigration:
    primary = next(
        (key for key in group if key in changed and key == "python"),
        next(key for key in group if key in changed),
    )
    held = [key for key in group if before.of(key) and after.of(key)]
    old, new = _combinations(before, held), _combinations(after, held)
    operation, rows = "", None
    if old is not None and new is not None:
        if set(old) < set(new):
            operation, rows = "key_add", [each for each in range(len(new)) if new[each] not in old]
        elif set(new) < set(old):
            operation, rows = (
                "key_remove",
                [each for each in range(len(old)) if old[each] not in new],
            )
    source = before if operation == "key_remove" else after
    values = {
        key: [value for at, value in enumerate(source.of(key)) if rows is None or at in rows]
        for key in group
        if source.of(key)
    }
    shown = ", ".join(dict.fromkeys(value.text for value in values[primary]))
    verb = {"key_add": "Add", "key_remove": "Drop"}.get(operation, "Rebuild for")
    name = primary + re.sub(r"\W", "", "_".join(_short(values[primary])))
    text = migration_text(
        values,
        title=f"{verb} {primary} {shown}",
        timestamp=timestamp,
        operation=operation,
        primary_key=primary if operation else "",
    )
    return PinMigration.parse(text, name=name + ("_dropped" if operation == "key_remove" else ""))


def _short(values: Iterable[PinValue]) -> list[str]:
    return list(dict.fromkeys(value.text.split(" ")[0].replace(".", "") for value in values))


def _combinations(pins: PinFile, group: list[str]) -> list[tuple[tuple[str, str], ...]] | None:
    """Give the rows of keys that move together; None where their lines cannot be matched."""
    columns = [_content(pins, key) for key in group]
    if len({len(column) for column in columns}) != 1:
        return None
    return list(zip(*columns, strict=True))
