"""While a plan is carried out, it says what waits for wheels of a project."""

from plan.world import Package, World
from wheelyard.model.release import ProjectName
from wheelyard.plan.events import Finished, Start
from wheelyard.plan.planner import Planner

TOOL = ProjectName("tool")


class Watched(World):
    """A world that asks, before each build, what waits for the tool."""

    def _carry_out(self, planner: Planner) -> None:
        self.planner = planner
        self.waited: dict[str, list[str]] = {}
        super()._carry_out(planner)

    def build(self, start: Start) -> Finished:
        waiting = self.planner.board.waiting_for(TOOL)
        project = str(start.unit.release.project)
        self.waited[project] = sorted(str(unit.release.project) for unit in waiting)
        return super().build(start)


def test_what_waits_for_a_project_is_named_until_it_is_there() -> None:
    world = Watched(
        {
            "app": Package(build=("tool",), run=("lib",)),
            "lib": Package(build=("tool",)),
            "other": Package(),
            "tool": Package(),
        }
    )
    planner, _ = world.plan(["app", "other"])
    assert world.waited["tool"] == ["app", "lib"]
    assert world.waited["app"] == []
    assert planner.board.waiting_for(TOOL) == ()
    assert planner.board.waiting_for(ProjectName("nobody")) == ()
