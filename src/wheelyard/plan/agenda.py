"""What the parts of the planner share: the board, and what is to be done before the next event.

A step of a unit's life never calls the next one of another unit; it notes that on the agenda. So an
event that sets off a chain of a thousand units does not nest a thousand calls.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace

from wheelyard.model.recipe import Recipe
from wheelyard.model.release import Release
from wheelyard.model.way import Way
from wheelyard.plan.board import Board
from wheelyard.plan.events import Command, UnitId
from wheelyard.plan.hosts import PACKAGES
from wheelyard.plan.unit import PlanOptions, Unit

_LINUX = ("linux_", "manylinux_")
"""The platforms whose libraries are packages of Debian."""


class Agenda:
    """The board, the options, and notes; the dictionaries without values are ordered sets.

    ``commands`` go out with the next answer. ``gates`` are releases whose gate may open, ``awake`` units that may
    have got what they waited for, ``losses`` releases that lost a target: they are taken off at the front, for which a
    plain dictionary has to look past all that was taken before. ``unsettled`` are units whose requirements
    are new since cycles were last looked for. ``provided``, ``older`` and ``detours`` wait to be told.
    """

    def __init__(self, options: PlanOptions, recipe_of: Callable[[Release], Recipe]) -> None:
        self.options = options
        self.recipe_of = recipe_of
        self.board = Board()
        self.commands: list[Command] = []
        self.gates: OrderedDict[Release, None] = OrderedDict()
        self.awake: OrderedDict[UnitId, None] = OrderedDict()
        self.losses: OrderedDict[Release, None] = OrderedDict()
        self.unsettled: dict[UnitId, None] = {}
        self.provided: list[Unit] = []
        self.older: list[tuple[UnitId, str]] = []
        self.detours: list[tuple[UnitId, Way]] = []

    def recipe(self, unit: UnitId) -> Recipe:
        """Return the recipe of a release on the platform of a target."""
        recipe = self.recipe_of(unit.release).on(unit.target.platform)
        across = str(unit.target) in self.options.ways and unit.target.platform.startswith(_LINUX)
        if recipe.host_packages is None and across:
            known = PACKAGES.get(unit.release.project, ())
            return replace(recipe, host_packages=known) if known else recipe
        return recipe

    def wake_dependants(self, unit: UnitId) -> None:
        """Let what waits for a unit look again."""
        self.awake |= dict.fromkeys(self.board.dependants_of(unit))
