"""Jobs for machines that the builder is not: which way they go, and what each environment holds."""

from plan.world import PLATFORM, Package, World, target
from wheelyard.model.job import Offer
from wheelyard.model.recipe import DEFAULT_RECIPE, Change, ConditionalRecipe, Recipe
from wheelyard.model.way import Way, WayKind
from wheelyard.plan.events import UnitId
from wheelyard.plan.planner import Planner
from wheelyard.plan.tree import tree, why
from wheelyard.plan.unit import Provision, State

_ARM = "cp311-linux_aarch64"
_HERE = target("cp311")
_CROSS = Way(kind=WayKind.CROSS, build=_HERE, toolchain="gcc 12", why="its compilers are here")
_EMULATED = Way(kind=WayKind.EMULATED, toolchain="qemu", why="it failed across")


def _plan(
    world: World,
    *requirements: str,
    recipes: dict[str, Recipe] | None = None,
    targets: tuple[str, ...] = (_ARM,),
    **options: object,
) -> tuple[Planner, dict[UnitId, Offer]]:
    ways = {_ARM: (_CROSS, _EMULATED)}
    planner, _ = world.plan(requirements, targets, recipes, ways=ways, **options)
    return planner, {start.unit: start.offer for start in world.starts}


def _at(planner: Planner, project: str, where: str) -> UnitId:
    wanted = target(where)
    return next(
        key
        for key in planner.board.units
        if key.release.project == project and key.target == wanted
    )


def test_what_runs_while_a_wheel_is_built_is_the_build_machines() -> None:
    world = World({"fast": Package(build=("tool",), tags="own"), "tool": Package()})
    planner, offers = _plan(world, "fast")
    offer = offers[_at(planner, "fast", _ARM)]
    assert offer.way == _CROSS
    assert [str(wheel.release) for wheel in offer.requirements] == ["tool==1.0"]
    assert _at(planner, "tool", "cp311") in offers
    assert not [
        key
        for key in planner.board.units
        if str(key.target) == _ARM and key.release.project == "tool"
    ]


def test_what_is_compiled_against_comes_as_the_targets_wheel_beside_the_build_machines() -> None:
    packages = {
        "user": Package(build=("numpy",), run=("numpy",), tags="own"),
        "numpy": Package(tags="own"),
    }
    planner, offers = _plan(World(packages), "user")
    offer = offers[_at(planner, "user", _ARM)]
    assert [wheel.filename for wheel in offer.requirements] == [
        f"numpy-1.0-cp311-cp311-{PLATFORM}.whl"
    ]
    assert [wheel.filename for wheel in offer.host_requirements] == [
        "numpy-1.0-cp311-cp311-linux_aarch64.whl"
    ]
    assert [wheel.filename for wheel in offer.test_requirements] == [
        "numpy-1.0-cp311-cp311-linux_aarch64.whl"
    ]
    said = why(planner.board, _at(planner, "numpy", _ARM))
    assert any("compiled against it" in sentence for sentence in said)


def test_a_recipe_names_what_else_is_compiled_against() -> None:
    packages = {
        "user": Package(build=("tool",), tags="own"),
        "tool": Package(),
        "headers": Package(tags="own"),
    }
    recipes = {"user": Recipe(host_requires=("headers",))}
    planner, offers = _plan(World(packages), "user", recipes=recipes)
    offer = offers[_at(planner, "user", _ARM)]
    assert [str(wheel.release) for wheel in offer.host_requirements] == ["headers==1.0"]


def test_a_native_job_is_compiled_against_nothing_else() -> None:
    packages = {"user": Package(build=("numpy",), tags="own"), "numpy": Package(tags="own")}
    planner, offers = _plan(World(packages), "user", targets=("cp311",))
    assert offers[_at(planner, "user", "cp311")].host_requirements == ()


def test_one_pure_build_requirement_serves_every_target() -> None:
    world = World({"fast": Package(build=("tool",), tags="own"), "tool": Package()})
    _plan(world, "fast", targets=(_ARM, "cp311"))
    assert world.built.count(("tool", "cp311")) == 1


def test_a_failed_cross_build_is_emulated_where_the_policy_says_so() -> None:
    world = World({"fast": Package(tags="own", fails_by=(WayKind.CROSS,))})
    planner, offers = _plan(world, "fast", fall_back=True)
    unit = planner.board.units[_at(planner, "fast", _ARM)]
    assert unit.provision is Provision.BUILT
    assert offers[unit.id].way == _EMULATED
    assert planner.take_detours() == [(unit.id, _EMULATED)]
    assert len({start.offer.key for start in world.starts}) == 2


def test_a_failed_cross_build_stays_failed_without_that_policy() -> None:
    world = World({"fast": Package(tags="own", fails_by=(WayKind.CROSS,))})
    planner, _ = _plan(world, "fast")
    assert planner.board.units[_at(planner, "fast", _ARM)].state is State.FAILED


def test_what_a_recipe_says_cannot_be_crossed_is_emulated_at_once() -> None:
    world = World({"fast": Package(build=("tool",), tags="own"), "tool": Package()})
    planner, offers = _plan(world, "fast", recipes={"fast": Recipe(emulate=True)})
    offer = offers[_at(planner, "fast", _ARM)]
    assert (offer.way.kind, offer.way.why) == (WayKind.EMULATED, "its recipe says so")
    assert _at(planner, "tool", _ARM) in planner.board.units


def test_the_plan_says_which_way_a_job_goes_and_why() -> None:
    planner, _ = _plan(World({"fast": Package(fails_by=(WayKind.CROSS,))}), "fast")
    planner.board.units[_at(planner, "fast", _ARM)].state = State.WAITING
    assert "(cross: its compilers are here)" in next(tree(planner.board, planner.roots))


def test_another_toolchain_is_another_job() -> None:
    def key(toolchain: str) -> str:
        world = World({"fast": Package(tags="own")})
        way = Way(kind=WayKind.CROSS, build=_HERE, toolchain=toolchain)
        world.plan(("fast",), (_ARM,), None, ways={_ARM: (way,)})
        return str(world.starts[0].offer.key)

    assert key("gcc 12") == key("gcc 12") != key("gcc 13")


def test_known_libraries_of_the_system_are_asked_for_across_only() -> None:
    world = World({"pyyaml": Package(tags="own")})
    planner, offers = _plan(world, "pyyaml", targets=(_ARM, "cp311"))
    assert offers[_at(planner, "pyyaml", _ARM)].recipe.host_packages == ("libyaml-dev",)
    assert offers[_at(planner, "pyyaml", "cp311")].recipe == DEFAULT_RECIPE


def test_a_recipe_without_libraries_builds_without_them() -> None:
    world = World({"pyyaml": Package(tags="own")})
    planner, offers = _plan(world, "pyyaml", recipes={"pyyaml": Recipe(host_packages=())})
    assert offers[_at(planner, "pyyaml", _ARM)].recipe.host_packages == ()


def test_a_job_is_told_what_its_recipe_says_of_its_own_platform() -> None:
    recipe = ConditionalRecipe(changes=(Change(pattern="*_aarch64", fields={"cflags": ("-O1",)}),))
    world = World({"fast": Package(tags="own")})
    planner, offers = _plan(world, "fast", recipes={"fast": recipe}, targets=(_ARM, "cp311"))
    assert offers[_at(planner, "fast", _ARM)].recipe == Recipe(cflags=("-O1",))
    assert offers[_at(planner, "fast", "cp311")].recipe == Recipe()
