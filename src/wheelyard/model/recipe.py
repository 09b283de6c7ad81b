"""What a user says about a release where the defaults are not enough."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase


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

    ``cflags``, ``cxxflags`` and ``ldflags`` are added to each command that compiles C, compiles C++ or links. ``before`` and
    ``after`` are shell scripts: one is run in the source folder before the wheel is built, and what it exports is there
    when it is; the other in the unpacked wheel.

    The rest is about wheels for another machine than the builder's. ``host_requires`` are projects that are compiled
    against, ``host_packages`` the distribution's packages with libraries that are;
    None: those that are known to be. ``exports`` says which symbols a
    WebAssembly module shows: ``pyinit``, ``requested``, ``all``, or names. ``vendor`` are patterns of shared
    libraries in the source folder that go into the wheel. ``keep`` are patterns of what stays when ``drop_tests``
    takes the tests out of a wheel. ``allow_warnings`` are warnings that stay warnings. ``pure``: a wheel with nothing compiled is right, even if
    compilers were asked. ``pretend``: ``platform`` and ``os.uname`` answer for the target, too.
    ``emulate``: it is not built across, but in the target's own Python.

    ``on`` applies what is said for some platforms only; jobs know recipes of one platform.
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
    cflags: tuple[str, ...] = ()
    cxxflags: tuple[str, ...] = ()
    ldflags: tuple[str, ...] = ()
    before: str = ""
    after: str = ""
    host_requires: tuple[str, ...] = ()
    host_packages: tuple[str, ...] | None = None
    exports: tuple[str, ...] = ()
    vendor: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    drop_tests: bool = False
    allow_warnings: tuple[str, ...] = ()
    pure: bool = False
    pretend: bool = False
    emulate: bool = False

    def on(self, platform: str) -> "Recipe":  # noqa: ARG002 - it says the same everywhere
        """Return what it says for one platform."""
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is changed on the platforms that a pattern matches (``linux_*``, ``*_riscv64``, ``pyodide_*``)."""

    pattern: str = "*"
    fields: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionalRecipe(Recipe):
    """A recipe that says other things on some platforms: its ``changes``, applied in their order."""

    changes: tuple[Change, ...]

    def on(self, platform: str) -> Recipe:
        """Return what it says for one platform."""
        recipe = DEFAULT_RECIPE
        for change in self.changes:
            if fnmatchcase(platform, change.pattern):
                recipe = replace(recipe, **change.fields)  # type: ignore[arg-type]
        return recipe


DEFAULT_RECIPE = Recipe()
