"""Plans of thousands of releases stay quick.

Processor time of the planner alone; the bounds are several times what it takes, so that a busy
machine fails nothing and a step that grows with the square of the plan does.
"""

import time
from collections import deque
from random import Random

from plan.world import Package, World, target
from wheelyard.model.recipe import DEFAULT_RECIPE
from wheelyard.model.release import ProjectName
from wheelyard.plan.events import Start
from wheelyard.plan.forecast import Forecast
from wheelyard.plan.planner import Planner
from wheelyard.plan.summary import summarise
from wheelyard.plan.unit import PlanOptions

RELEASES = 5_000
TOOLS = 20


def packages() -> dict[str, Package]:
    random = Random(1)  # noqa: S311 - not a secret
    tools = [f"tool{number}" for number in range(TOOLS)]
    found = {name: Package(build=tuple(tools[: min(rank, 2)])) for rank, name in enumerate(tools)}
    for number in range(RELEASES - TOOLS):
        near = range(max(0, number - 400), number)
        run = {f"p{random.choice(near)}" for _ in range(3)} if near else set()
        build = tuple(random.sample(tools, 2))
        found[f"p{number}"] = Package(build=build, run=tuple(sorted(run)))
    return found


def test_plan_of_5000_releases_is_made_forecast_and_summed_up_quickly() -> None:
    contents = packages()
    world = World(contents)
    options = PlanOptions(
        requirements=tuple(contents),
        requested=frozenset(map(ProjectName, contents)),
        targets=(target("cp311"),),
    )
    planner = Planner(options, lambda _: DEFAULT_RECIPE)
    spent, queue = 0.0, deque(planner.begin())
    while queue:
        command = queue.popleft()
        if not isinstance(command, Start):
            event = world.answer(command)
            began = time.process_time()
            queue += planner.handle(event)
            spent += time.process_time() - began

    forecast = Forecast(planner.board, lambda _: 10.0)
    forecast.seconds_left(2, {})
    began = time.process_time()
    left = forecast.seconds_left(2, {})
    polled = time.process_time() - began
    rows = summarise(planner.board, planner.roots, {}, over=False)

    assert len(rows) == RELEASES
    assert left == RELEASES * 10 / 2
    assert spent < 4
    assert polled < 0.05
