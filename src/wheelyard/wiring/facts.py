"""What this machine has, held against what a job needs: on one machine there is no other to wait for."""

from collections.abc import Mapping
from pathlib import Path

from wheelyard import __version__
from wheelyard.builder.facts import Abilities, facts_of
from wheelyard.builder.machine import LocalMachine
from wheelyard.errors import ConfigurationError, nearest
from wheelyard.executor.interpreters import MachineInterpreters
from wheelyard.executor.local import LocalExecutor
from wheelyard.jobs.needs import Needs, lacking
from wheelyard.model.builder import FactValue


def facts_of_this_machine(
    executor: LocalExecutor, interpreters: MachineInterpreters
) -> Mapping[str, FactValue]:
    """Return the facts that a builder on this machine would announce, if it ran one job at a time."""
    abilities = Abilities(
        targets=interpreters.targets(),
        tools={},
        sandbox=tuple(executor.capabilities()["sandbox"].split(", ")),
    )
    equipment = LocalMachine(Path.cwd()).equipment()
    return dict(facts_of(equipment, abilities, version=__version__, slots=1).values)


def check_needs(needs: Needs, facts: Mapping[str, FactValue]) -> None:
    """Raise ConfigurationError where this machine lacks something that is needed."""
    for name, need in lacking(facts, needs):
        if name in facts:
            hint = f"It has {_shown(facts[name])}."
        else:
            hint = nearest(name, facts) or f"It says of itself: {', '.join(sorted(facts))}."
        raise ConfigurationError(f"this machine lacks {Needs(((name, need),))}", hint=hint)


def _shown(value: FactValue) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
