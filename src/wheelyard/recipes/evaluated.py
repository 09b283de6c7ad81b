"""A recipe as one variant makes it: values only, without positions.

``requirements`` are match specifications as the recipe wrote them after evaluation ("numpy >=1.20").
``{{ compiler('c') }}`` is a requirement named ``gcc_linux-64`` and the like where the variant says so,
else ``c_compiler_stub``; ``stdlib('c')`` gives ``c_stdlib_stub``, as the field's own tools call them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What a recipe is evaluated for: a conda platform and the values of variant keys.

    ``platform`` is where the result runs ("linux-aarch64"), ``build_platform`` where it is built;
    empty means the same. ``values`` are keys of ``conda_build_config.yaml`` with one value each.
    """

    platform: str = "linux-64"
    build_platform: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """Match specifications by section, in the order of the recipe."""

    build: tuple[str, ...] = ()
    host: tuple[str, ...] = ()
    run: tuple[str, ...] = ()
    run_constrained: tuple[str, ...] = ()
    test: tuple[str, ...] = ()

    def names(self, section: str) -> tuple[str, ...]:
        """Give the package names of a section, in lower case, each once, in order."""
        held: tuple[str, ...] = getattr(self, section)
        return tuple(dict.fromkeys(package_name(each) for each in held))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunExports:
    """What a package adds to the requirements of those that are built with it."""

    weak: tuple[str, ...] = ()
    strong: tuple[str, ...] = ()
    noarch: tuple[str, ...] = ()
    weak_constrains: tuple[str, ...] = ()
    strong_constrains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatedSource:
    """Where a recipe's text comes from, in this variant."""

    urls: tuple[str, ...] = ()
    git_url: str = ""
    path: str = ""
    hashes: Mapping[str, str] = field(default_factory=dict)
    patches: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatedOutput:
    """One package that a recipe gives; a recipe without ``outputs`` gives one that is itself."""

    name: str
    version: str
    build_number: int | None = None
    noarch: str = ""
    skipped: bool = False
    requirements: Requirements = field(default_factory=Requirements)
    run_exports: RunExports = field(default_factory=RunExports)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatedRecipe:
    """A recipe for one variant; ``tree`` is the whole of it as mappings, lists and strings.

    ``requirements`` are those of the top level; those of ``outputs`` stand with each output.
    """

    name: str
    version: str
    variant: Variant
    build_number: int | None = None
    noarch: str = ""
    skipped: bool = False
    sources: tuple[EvaluatedSource, ...] = ()
    requirements: Requirements = field(default_factory=Requirements)
    run_exports: RunExports = field(default_factory=RunExports)
    outputs: tuple[EvaluatedOutput, ...] = ()
    tree: Mapping[str, object] = field(default_factory=dict)

    def every_requirement(self, section: str) -> tuple[str, ...]:
        """Give a section's specifications of the top level and of every output, each once."""
        held = [*getattr(self.requirements, section)]
        for output in self.outputs:
            held += getattr(output.requirements, section)
        return tuple(dict.fromkeys(held))


def package_name(specification: str) -> str:
    """Give the name that a match specification starts with, in lower case, without its channel."""
    words = specification.replace("=", " ").replace("<", " ").replace(">", " ").replace("!", " ")
    words = words.replace("~", " ").replace("[", " ").replace(",", " ")
    first = words.split(maxsplit=1)
    return first[0].rpartition("::")[2].lower() if first else ""
