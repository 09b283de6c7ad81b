"""What a user says about a release where the defaults are not enough."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """A unified diff, applied with ``-p strip`` in the root of the source."""

    name: str
    text: str
    strip: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Overrides of one release; the default one changes nothing.

    ``skip`` is the reason not to build it; None means build. ``build_requires`` are added to the
    back end's own, ``build_constraints`` narrow them. ``test`` is a shell command run in the source folder with the wheel
    installed, and ``test_requires`` beside it; ``imports`` replaces the modules that the smoke test finds by itself, and an empty
    tuple turns it off. ``system_packages`` are names for the message of a failure.
    ``bill_of_materials`` puts one into the wheel (PEP 770).
    """

    skip: str | None = None
    patches: tuple[Patch, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    config_settings: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    build_requires: tuple[str, ...] = ()
    build_constraints: tuple[str, ...] = ()
    system_packages: tuple[str, ...] = ()
    test: str = ""
    test_requires: tuple[str, ...] = ()
    imports: tuple[str, ...] | None = None
    bill_of_materials: bool = False


DEFAULT_RECIPE = Recipe()
