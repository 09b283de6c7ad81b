"""What the test of a recipe requires is planned like everything else, and is for the test alone."""

from plan.world import Package, World
from wheelyard.model.recipe import Recipe
from wheelyard.plan.summary import Ending
from wheelyard.plan.tree import tree, why


def test_what_a_test_requires_is_built_first_and_is_for_the_test_alone() -> None:
    world = World(
        {
            "app": Package(run=("lib",)),
            "lib": Package(),
            "checker": Package(run=("helper",)),
            "helper": Package(),
        }
    )
    recipes = {"app": Recipe(test="check", test_requires=("checker",))}

    planner, rows = world.plan(["app"], recipes=recipes)

    assert {row.ending for row in rows.values()} == {Ending.BUILT}
    assert world.built[-1] == ("app", "cp311")
    (app,) = [start.offer for start in world.starts if start.unit.release.project == "app"]
    assert [wheel.release.project for wheel in app.test_requirements] == ["lib"]
    assert [wheel.release.project for wheel in app.test_tools] == ["checker", "helper"]
    (checker,) = [key for key in planner.board.units if key.release.project == "checker"]
    assert why(planner.board, checker) == [f"{app.release} for {app.target} needs it to be tested"]
    assert any("test: checker 1.0" in line for line in tree(planner.board, planner.roots))


def test_what_was_tested_before_needs_nothing_of_the_test_any_more() -> None:
    world = World({"app": Package(), "checker": Package()})
    recipes = {"app": Recipe(test="check", test_requires=("checker",))}
    world.plan(["app"], recipes=recipes)

    planner, rows = world.plan(["app"], recipes=recipes)
    assert rows["app cp311"].ending is Ending.REUSED
    assert len(planner.board.units) == 1

    _, rows = world.plan(["app"], recipes={"app": Recipe(test="another")})
    assert rows["app cp311"].ending is Ending.BUILT


def test_a_test_that_requires_what_needs_the_wheel_is_a_cycle_that_is_cut() -> None:
    world = World({"app": Package(), "checker": Package(run=("app",), build=("app",))})
    recipes = {"app": Recipe(test="check", test_requires=("checker",))}

    planner, rows = world.plan(["app"], recipes=recipes)

    assert rows["app cp311"].ending is Ending.BUILT
    (app,) = [start.offer for start in world.starts if start.unit.release.project == "app"]
    assert app.test_tools_absent == ("checker",)
    assert "app==1.0 without checker==1.0" in str(planner.cycles[0])


def test_test_requirements_without_a_solution_fail_their_unit_alone() -> None:
    world = World({"app": Package(), "other": Package()})

    _, rows = world.plan(
        ["app", "other"], recipes={"app": Recipe(test="check", test_requires=("gone",))}
    )

    assert rows["app cp311"].ending is Ending.FAILED
    assert rows["other cp311"].ending is Ending.BUILT
