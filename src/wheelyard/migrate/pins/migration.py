"""A pin migration: one YAML file that says which pins become what, and how the change is carried.

The format is that of conda-forge's ``migrations`` folder: pins as in a pin file, and a ``__migrator``
table beside them. A key that is none of the known ones and looks like one is refused with its line;
one that looks like none is kept in ``unknown`` and otherwise ignored, as the field's own tools do.
"""

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from wheelyard.errors import InvalidMigrationError, nearest
from wheelyard.migrate.pins.keys import KINDS, MIGRATOR_KEYS, OPERATIONS, SPECIAL_KEYS, Holds
from wheelyard.migrate.pins.pinfile import PinFile, PinValue
from wheelyard.migrate.pins.yaml_nodes import (
    Entry,
    compose,
    entries,
    is_null,
    line_of,
    plain,
    scalars,
)

_LOOKS_LIKE = 0.75
"""How alike an unknown key must be to a known one before it counts as misspelt."""

_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class PinMigration:
    """A migration of pins; ``text`` is the file as it was read, which recipes get a copy of."""

    name: str
    text: str
    pins: PinFile
    kind: str = "version"
    operation: str = ""
    primary_key: str = ""
    additional_zip_keys: tuple[str, ...] = ()
    ordering: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    migration_number: int = 0
    bump_number: int = 1
    commit_message: str = ""
    exclude: tuple[str, ...] = ()
    exclude_pinned_pkgs: bool = True
    include_noarch: bool = False
    include_build: bool = False
    platform_allowlist: tuple[str, ...] = ()
    wait_for_migrators: tuple[str, ...] = ()
    override_cbc_keys: tuple[str, ...] = ()
    ignored_deps_per_node: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    conda_forge_yml_patches: Mapping[str, object] = field(default_factory=dict)
    allowlist_file: str = ""
    paused: bool = False
    longterm: bool = False
    automerge: bool = False
    check_solvable: bool = True
    use_local: bool = False
    pr_limit: int | None = None
    max_solver_attempts: int | None = None
    force_pr_after_solver_attempts: int | None = None
    timestamp: float | None = None
    unknown: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str, *, name: str) -> "PinMigration":
        """Read a migration; ``name`` is its file's name without ``.yaml``.

        Raises InvalidMigrationError, with the line, where a key is misspelt or holds what it cannot.
        """
        file = f"{name}.yaml"
        found = tuple(entries(compose(text, file), file))
        _check_top(found, file)
        table: dict[str, object] = {}
        unknown: list[str] = []
        for entry in found:
            if entry.key == "__migrator":
                _read_table(entry.value, file, table, unknown)
        pins = PinFile.parse(text, name=file)
        migration = cls(
            name=name,
            text=text,
            pins=pins,
            timestamp=_timestamp(found, file),
            unknown=tuple(unknown),
            **table,  # type: ignore[arg-type]
        )
        _check_whole(migration, file)
        return migration

    def names(self) -> tuple[str, ...]:
        """Give the pins that it changes, each once."""
        return tuple(key for key in self.pins.names() if key not in SPECIAL_KEYS)

    def values(self, key: str) -> tuple[PinValue, ...]:
        """Give what a pin becomes."""
        return self.pins.of(key)

    def packages(self, known: Collection[str] | None = None) -> frozenset[str]:
        """Give the packages whose users are rebuilt: the pinned ones, with ``-`` for ``_`` as well.

        ``known`` are the outputs of the ecosystem, where they are known: others cannot be meant.
        """
        if self.override_cbc_keys:
            return frozenset(self.override_cbc_keys)
        names = {form for key in self.names() for form in (key, key.replace("_", "-"))}
        return frozenset(names if known is None else names & set(known))

    def title(self, *, closing: bool = False) -> str:
        """Give the first line of its message to people."""
        if closing:
            return f"Close out migration for {self.name}"
        return self.commit_message.strip().split("\n")[0] or f"Rebuild for {self.name}"


def _check_top(found: tuple[Entry, ...], file: str) -> None:
    """Refuse keys of the file that are meant for ``__migrator``, or that nearly are special ones."""
    for entry in found:
        if entry.key in SPECIAL_KEYS:
            continue
        if entry.key in MIGRATOR_KEYS and entry.key not in _NO_FIELDS:
            raise InvalidMigrationError(
                f"{file}:{entry.line}: {entry.key!r} stands outside of `__migrator`",
                hint="Indent it below `__migrator:`.",
            )
        like = difflib.get_close_matches(entry.key, SPECIAL_KEYS, n=1, cutoff=0.8)
        if like and (not _holds_pins(entry.value) or entry.key.lstrip("_").startswith("migr")):
            raise InvalidMigrationError(
                f"{file}:{entry.line}: {entry.key!r} is neither a pin nor a key of a migration",
                hint=f"Did you mean {like[0]!r}?",
            )


def _holds_pins(node: Node) -> bool:
    if isinstance(node, SequenceNode):
        return all(isinstance(each, ScalarNode) for each in node.value)
    return isinstance(node, ScalarNode)


def _read_table(node: Node, file: str, table: dict[str, object], unknown: list[str]) -> None:
    seen: dict[str, int] = {}
    for entry in entries(node, file):
        key = entry.key
        if key not in MIGRATOR_KEYS:
            if difflib.get_close_matches(key, MIGRATOR_KEYS, n=1, cutoff=_LOOKS_LIKE):
                raise InvalidMigrationError(
                    f"{file}:{entry.line}: {key!r} is no key of `__migrator`",
                    hint=nearest(key, MIGRATOR_KEYS),
                )
            unknown.append(key)
            continue
        if key in seen:
            raise InvalidMigrationError(
                f"{file}:{entry.line}: {key!r} stands twice, first on line {seen[key]}",
                hint="Keep one of them.",
            )
        seen[key] = entry.line
        value = _value(entry, MIGRATOR_KEYS[key], file)
        if value is not None and key not in _NO_FIELDS:
            table[_FIELDS.get(key, key)] = value
    if "build_number" in seen and "bump_number" in seen:
        table["bump_number"] = next(
            _value(each, Holds.NUMBER, file)
            for each in entries(node, file)
            if each.key == "bump_number"
        )


_NO_FIELDS = frozenset({"name", "description"})
"""Keys that say nothing that is acted upon."""

_FIELDS = {"build_number": "bump_number", "whitelist_file": "allowlist_file"}
"""Keys that older files write otherwise."""


def _value(entry: Entry, holds: Holds, file: str) -> object:
    node = entry.value
    if is_null(node):
        return None
    value: object = None
    match holds:
        case Holds.TEXT if isinstance(node, ScalarNode):
            value = str(node.value)
        case Holds.FLAG if isinstance(node, ScalarNode):
            value = _FLAGS.get(str(node.value).lower())
        case Holds.NUMBER if isinstance(node, ScalarNode):
            value = _number(str(node.value))
        case Holds.NAMES if not isinstance(node, MappingNode):
            value = tuple(str(each.value) for each in scalars(node))
        case Holds.NAMES_BY_NAME if isinstance(node, MappingNode):
            value = {
                str(key.value): tuple(str(each.value) for each in scalars(held))
                for key, held in node.value
            }
        case Holds.VALUES_BY_KEY if isinstance(node, MappingNode):
            value = plain(node)
    if value is None:
        raise InvalidMigrationError(
            f"{file}:{entry.line}: {entry.key!r} holds {_short(node)}",
            hint=f"It wants {holds.value}.",
        )
    return value


def _number(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _short(node: Node) -> str:
    return repr(str(node.value)) if isinstance(node, ScalarNode) else "a list or a mapping"


def _timestamp(found: tuple[Entry, ...], file: str) -> float | None:
    for entry in found:
        if entry.key == "migrator_ts" and not is_null(entry.value):
            try:
                return float(str(entry.value.value))
            except ValueError:
                raise InvalidMigrationError(
                    f"{file}:{entry.line}: 'migrator_ts' holds {_short(entry.value)}",
                    hint="It wants seconds since 1970, for example 1700000000.",
                ) from None
    return None


def _check_whole(migration: PinMigration, file: str) -> None:
    def refuse(key: str, word: str, known: Collection[str]) -> None:
        raise InvalidMigrationError(
            f"{file}:{_line(migration, key)}: {key!r} is {word!r}",
            hint=nearest(word, known) or f"It is one of {', '.join(known)}.",
        )

    if migration.kind not in KINDS:
        refuse("kind", migration.kind, KINDS)
    if migration.operation and migration.operation not in OPERATIONS:
        refuse("operation", migration.operation, OPERATIONS)
    if not migration.operation:
        return
    if not migration.primary_key:
        raise InvalidMigrationError(
            f"{file}:{_line(migration, 'operation')}: {migration.operation} has no 'primary_key'",
            hint="Add `primary_key:` with the pin whose values come or go.",
        )
    if migration.primary_key not in migration.names():
        refuse("primary_key", migration.primary_key, migration.names())


def _line(migration: PinMigration, key: str) -> int:
    for entry in entries(compose(migration.text, migration.name), migration.name):
        if entry.key == "__migrator":
            for each in entries(entry.value, migration.name):
                if each.key == key:
                    return each.line
            return line_of(entry.value)
    return 1
