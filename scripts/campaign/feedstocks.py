"""Feedstocks to carry a campaign through: real recipes where they are at hand, else made-up ones.

Each is a bare repository. Levels are laid over them: a recipe of one level is built with one or two of the
level below, and all with the package that is pinned.
"""

import gzip
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from campaign import people
from wheelyard.errors import WheelyardError
from wheelyard.recipes.edits import add_requirement, remove_requirement
from wheelyard.recipes.evaluate import evaluate
from wheelyard.recipes.evaluated import Variant
from wheelyard.recipes.parse import parse_recipe
from wheelyard.recipes.requirements import requirements

PINNED = "openssl"
CAMPAIGN = "openssl3"
PINNING = "pinning-feedstock"
_CASES = ("recipe_edits.jsonl.gz", "migrator_edits.jsonl.gz")
_PIN_FILE = "openssl:\n  - '1.1.1'\n\nzlib:\n  - '1.2'\n"
MIGRATION = """\
__migrator:
  build_number: 1
  commit_message: Rebuild for openssl 3
  kind: version
  migration_number: 1
migrator_ts: 1700000000.0
openssl:
- '3'
"""
_JOB = """\
command = "test ! -e recipe/broken || { echo 'no rule to make it' >&2; exit 1; }; mkdir -p out && cp -r recipe .ci_support out/ 2>/dev/null || cp -r recipe out/"
artifacts = ["out/**"]
"""


@dataclass(slots=True, kw_only=True)
class World:
    """What was made: repositories by package, and who is built with whom."""

    folder: Path
    parents: dict[str, tuple[str, ...]] = field(default_factory=dict)
    levels: list[list[str]] = field(default_factory=list)
    real: int = 0

    def bare(self, package: str) -> Path:
        """Return where a package's repository is."""
        return self.folder / f"{package}-feedstock.git"

    @property
    def pinning(self) -> Path:
        """Return where the pin file's repository is."""
        return self.folder / f"{PINNING}.git"


def make(folder: Path, *, count: int, cases: Path, depth: int) -> World:
    """Make ``count`` feedstocks on ``depth`` levels, and the repository of the pin file."""
    world = World(folder=folder)
    width = -(-count // depth)
    recipes = [*_real(cases, count)]
    world.real = len(recipes)
    recipes += [_made_up(number) for number in range(count - len(recipes))]
    names = {name for name, _ in recipes}
    for number, (name, text) in enumerate(recipes):
        level, place = divmod(number, width)
        if level == len(world.levels):
            world.levels.append([])
        below = world.levels[level - 1] if level else []
        chosen = {below[place % len(below)], below[(place + 1) % len(below)]} if below else set()
        world.parents[name] = tuple(sorted(chosen))
        world.levels[level].append(name)
        needs = [PINNED, *world.parents[name]]
        # What they need of each other in truth would make circles of the levels.
        recipe = _built_with(text, name, needs, without=names - {name, *needs})
        files = {"recipe/meta.yaml": recipe.encode(), "wheelyard-job.toml": _JOB.encode()}
        people.create(world.bare(name), files)
    people.create(world.pinning, {"recipe/conda_build_config.yaml": _PIN_FILE.encode()})
    return world


def _real(cases: Path, count: int) -> Iterator[tuple[str, str]]:
    """Find recipes that can be edited and are of different packages."""
    seen: set[str] = {PINNED}
    for text in _texts(cases):
        if "pin_compatible(" in text:
            # A requirement whose name only a template tells cannot be taken out.
            continue
        try:
            name = evaluate(parse_recipe(text, name="meta.yaml"), Variant()).name
            if name and name not in seen and name.replace("-", "").replace("_", "").isalnum():
                _built_with(text, name, [PINNED, "something"])
                seen.add(name)
                yield name, text
        except WheelyardError:
            continue
        if len(seen) > count:
            return


def _texts(cases: Path) -> Iterator[str]:
    for file in _CASES:
        if not (cases / file).is_file():
            continue
        with gzip.open(cases / file, "rt", encoding="utf-8") as lines:
            for line in lines:
                yield from _recipes_in(json.loads(line).get("input"))


def _recipes_in(given: object) -> Iterator[str]:
    """Find the recipes in a case, wherever it has them."""
    if isinstance(given, str) and "package:" in given:
        yield given
    elif isinstance(given, dict):
        for path, held in given.items():
            if isinstance(held, dict) or str(path).endswith(("meta.yaml", "recipe")):
                yield from _recipes_in(held)


def _made_up(number: int) -> tuple[str, str]:
    name = f"made-up-{number}"
    return name, (
        f"package:\n  name: {name}\n  version: '1.{number}'\n\nbuild:\n  number: {number}\n\n"
        "requirements:\n  host:\n    - make\n"
    )


def _built_with(text: str, name: str, needs: list[str], *, without: Collection[str] = ()) -> str:
    """Have a recipe built with other packages, by edits as migrations make them. Raises WheelyardError."""
    recipe = parse_recipe(text, name="meta.yaml")
    there = {one.name for one in requirements(recipe)}
    for other in sorted(there & set(without)):
        recipe = parse_recipe(remove_requirement(recipe, other), name="meta.yaml")
    for need in needs:
        if need in there:
            recipe = parse_recipe(remove_requirement(recipe, need), name="meta.yaml")
        recipe = parse_recipe(add_requirement(recipe, "host", need), name="meta.yaml")
    made = evaluate(recipe, Variant())
    missing = set(needs) - set(made.requirements.names("host"))
    if missing or made.noarch or made.skipped or made.build_number is None or made.name != name:
        raise WheelyardError(f"{name} is of no use here")
    if len(made.outputs) > 1:
        raise WheelyardError(f"{name} has several outputs")
    return recipe.text
