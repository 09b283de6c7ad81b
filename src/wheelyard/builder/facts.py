"""What a builder says of itself when it joins: the facts that jobs' needs are held against."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from wheelyard.builder.machine import Equipment
from wheelyard.errors import ConfigurationError
from wheelyard.jobs.needs import Needs
from wheelyard.model.builder import Facts, FactValue
from wheelyard.model.reach import Reach
from wheelyard.targets.platform import Platform
from wheelyard.targets.target import Target

_GB = 10**9
_MEMORY_OF_A_SLOT = 4 * _GB


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What was found on a machine: targets that it can build for, versions of tools, isolation in force.

    ``network``: commands that ask for it are given it. ``reaches`` are the other machines that it builds for.
    """

    targets: tuple[Target, ...]
    tools: Mapping[str, str]
    sandbox: tuple[str, ...]
    network: bool = False
    reaches: tuple[Reach, ...] = ()


def slots_for(equipment: Equipment, wanted: int | None) -> int:
    """Return how many jobs run at once: as many as there are cores, and 4 GB of memory for each."""
    if wanted is not None:
        return wanted
    by_memory = round(equipment.memory_bytes / _MEMORY_OF_A_SLOT) or 1
    return max(1, min(equipment.cores, by_memory if equipment.memory_bytes else 1))


def facts_of(
    equipment: Equipment,
    abilities: Abilities,
    *,
    version: str,
    slots: int,
    labels: Sequence[str] = (),
) -> Facts:
    """Put a builder's facts together. Raises ConfigurationError where a label is none.

    ``memory_gb`` and ``cores`` are what one job may use, since that is what a job needs.
    """
    found = _found(equipment, abilities, slots)
    own = read_labels(labels, taken=found)
    values = {name: value for name, value in {**found, **own}.items() if value not in {"", ()}}
    return Facts(
        version=version,
        slots=slots,
        values=tuple(sorted(values.items())),
        reaches=abilities.reaches,
    )


def _found(equipment: Equipment, abilities: Abilities, slots: int) -> dict[str, FactValue]:
    libc, arch = _family(abilities.targets)
    interpreters = dict.fromkeys(str(target.interpreter) for target in abilities.targets)
    tools = {_fact_name(tool): version for tool, version in abilities.tools.items()}
    return {
        **tools,
        "os": equipment.system,
        "arch": arch,
        "libc": libc,
        "libc_version": equipment.libc_version,
        "python": tuple(interpreters),
        "memory_gb": round(equipment.memory_bytes / slots / _GB),
        "disk_gb": round(equipment.disk_bytes / _GB),
        "cores": max(1, equipment.cores // slots),
        "sandbox": abilities.sandbox or ("none",),
        "network": "yes" if abilities.network else "",
        "platform": tuple(one.platform for one in abilities.reaches),
        "emulates": tuple(one.platform for one in abilities.reaches if one.emulates),
    }


def read_labels(labels: Iterable[str], *, taken: Mapping[str, FactValue]) -> dict[str, FactValue]:
    """Read ``name=value`` as needs are written. Raises ConfigurationError."""
    own: dict[str, FactValue] = {}
    for label in labels:
        for name, value in Needs.parse(label).items:
            if name in taken:
                raise ConfigurationError(
                    f"the label {name!r} is a fact that is found by itself",
                    hint="Name it otherwise.",
                )
            own[name] = value
    return own


def _family(targets: tuple[Target, ...]) -> tuple[str, str]:
    for target in targets:
        return Platform.parse(target.platform).family
    return ("", "")


def _fact_name(tool: str) -> str:
    # A need's name has letters, digits, dots and dashes only.
    return tool.replace("+", "x")
