"""Closing a migration: its pins written into the pin file, all else left byte for byte."""

from collections.abc import Sequence
from dataclasses import dataclass

from wheelyard.errors import RefusedEditError
from wheelyard.migrate.pins.migration import PinMigration
from wheelyard.migrate.pins.pinfile import PinFile, begins_block, block_end
from wheelyard.migrate.variants import order_of


def closed(pin_text: str, migration: PinMigration, *, name: str = "conda_build_config.yaml") -> str:
    """Give the pin file as it is once a migration is done.

    Without an operation a pin's lines become those of the migration; ``key_add`` adds lines where
    their version belongs, ``key_remove`` removes them. Raises RefusedEditError where the lines of
    keys that move together cannot be told apart.
    """
    pins = PinFile.parse(pin_text, name=name)
    if not migration.operation:
        return _replaced(pins, migration)
    lines = pin_text.splitlines(keepends=True)
    group = pins.zipped_with(migration.primary_key)
    if migration.operation == "key_add":
        return _with_lines(lines, _additions(pins, migration, group))
    return _without_lines(lines, pins, migration, group)


def _blocks(text: str) -> dict[str, list[str]]:
    """Give the lines of each key of a migration, comments and empty lines of the file left out."""
    lines = text.splitlines()
    found: dict[str, list[str]] = {}
    for start, line in enumerate(lines):
        if begins_block(line):
            key = line.split(":", 1)[0].strip().strip("'\"")
            held = [each for each in lines[start : block_end(lines, start)] if each.strip()]
            # Items at the start of a line are indented as everywhere else in the pin file.
            found.setdefault(key, []).extend(
                f"  {each}" if each.startswith("-") else each for each in held
            )
    return found


def _replaced(pins: PinFile, migration: PinMigration) -> str:
    new = {
        key: lines
        for key, lines in _blocks(migration.text).items()
        if key not in {"__migrator", "migrator_ts"}
    }
    if "zip_keys" in new:
        new["zip_keys"] = _zip_lines(pins, migration, new["zip_keys"])
    lines = pins.text.splitlines(keepends=True)
    newline = "\r\n" if "\r\n" in pins.text else "\n"
    bare = [line.rstrip("\r\n") for line in lines]
    done: list[str] = []
    written: set[str] = set()
    at = 0
    while at < len(lines):
        key = bare[at].split(":", 1)[0].strip().strip("'\"") if begins_block(bare[at]) else ""
        if key not in new:
            done.append(lines[at])
            at += 1
            continue
        if key not in written:
            done += [line + newline for line in new[key]]
            written.add(key)
        at = block_end(bare, at)
    missing = [key for key in new if key not in written]
    if missing and done and not done[-1].endswith("\n"):
        done[-1] += newline
    done += [line + newline for key in missing for line in new[key]]
    return "".join(done)


def _zip_lines(pins: PinFile, migration: PinMigration, lines: list[str]) -> list[str]:
    """Keep groups of zipped keys of which the migration says nothing."""
    said = [set(group) for group in migration.pins.zip_keys]
    kept = [group for group in pins.zip_keys if not any(set(group) & each for each in said)]
    return [*lines, *(f"  - {line}" if not n else f"    {line}" for group in kept
                      for n, line in enumerate(f"- {key}" for key in group))]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Addition:
    """A line to be inserted before the line ``at`` (from 0)."""

    at: int
    text: str


def _additions(pins: PinFile, migration: PinMigration, group: Sequence[str]) -> list[_Addition]:
    primary = migration.primary_key
    order = order_of(migration.ordering.get(primary))
    source = migration.text.splitlines()
    held = pins.of(primary)
    if not held:
        raise RefusedEditError(f"{pins.name} has no pin {primary!r}")
    known = set(zip(*([v.text for v in pins.of(key)] for key in group), strict=False))
    new_rows = list(zip(*([v.text for v in migration.values(key)] for key in group), strict=False))
    found = []
    for number, value in enumerate(migration.values(primary)):
        if number < len(new_rows) and new_rows[number] in known:
            continue
        before = sum(not order(value.text) < order(each.text) for each in held)  # type: ignore[operator]
        for key in group:
            mine, theirs = pins.of(key), migration.values(key)
            if number >= len(theirs):
                raise RefusedEditError(
                    f"{migration.name}.yaml says too little of {key!r}, which moves with {primary!r}",
                    hint=f"Give it one value for each of {primary!r}.",
                )
            if before not in {0, len(held)} and len(mine) != len(held):
                raise RefusedEditError(
                    f"{pins.name}: the lines of {key!r} and {primary!r} cannot be matched",
                    hint="Write as many lines for each of the keys that are zipped.",
                )
            place = len(mine) if before == len(held) else before
            at = mine[place - 1].line if place else mine[0].line - 1
            found.append(_Addition(at=at, text=_as_item(source[theirs[number].line - 1])))
    return found


def _as_item(line: str) -> str:
    """Give an item's line as a pin file indents it."""
    return f"  {line.strip()}"


def _with_lines(lines: list[str], additions: list[_Addition]) -> str:
    newline = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    by_place: dict[int, list[str]] = {}
    for each in additions:
        by_place.setdefault(each.at, []).append(each.text + newline)
    if lines and not lines[-1].endswith("\n") and len(lines) in by_place:
        lines[-1] += newline
    done: list[str] = []
    for number in range(len(lines) + 1):
        done += by_place.get(number, [])
        done += lines[number : number + 1]
    return "".join(done)


def _without_lines(
    lines: list[str], pins: PinFile, migration: PinMigration, group: Sequence[str]
) -> str:
    primary = migration.primary_key
    gone = {value.text for value in migration.values(primary)}
    held = pins.of(primary)
    places = [place for place, value in enumerate(held) if value.text in gone]
    if len(places) == len(held) and held:
        raise RefusedEditError(
            f"{migration.name}.yaml would leave no value of {primary!r}", hint="Keep at least one."
        )
    rows: set[int] = set()
    for key in group:
        mine = pins.of(key)
        if places and len(mine) != len(held):
            raise RefusedEditError(
                f"{pins.name}: the lines of {key!r} and {primary!r} cannot be matched",
                hint="Write as many lines for each of the keys that are zipped.",
            )
        rows |= {mine[place].line - 1 for place in places}
    return "".join(line for number, line in enumerate(lines) if number not in rows)
