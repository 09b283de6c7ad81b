"""A request's life on a farm: taken, joined, built, told, answered at once, cancelled, resumed."""

from coordinator.machines import Machines, scenario, until_quiet, wheels
from plan.world import Package
from wheelyard.model.request import RequestState

TREE = {"base": Package(), "top": Package(build=("base",), run=("leaf",)), "leaf": Package()}


def test_a_tree_is_built_by_two_builders_and_published() -> None:
    async def work() -> None:
        farm = Machines(TREE)
        async with farm.led() as coordinator:
            await farm.builder("one")
            await farm.builder("two")
            request = await coordinator.submit(wheels("top", notify=("mailto:ann@example.org",)))
            end = await farm.end_of(request)
            assert (end.state, end.reason) == (RequestState.DONE, "3 wheels are there")
            await until_quiet(lambda: bool(farm.letters.sent))
        assert [to for to, _, _ in farm.letters.sent] == ["mailto:ann@example.org"]
        assert await farm.local.artifacts.projects() == ["base", "leaf", "top"]
        await farm.close()

    scenario(work)
