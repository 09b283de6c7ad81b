"""Commands on git trees on a farm: built once, answered from the store, told, failed, resumed, refused."""

from typing import Any

import pytest

from coordinator.asked import Asked
from coordinator.machines import X86, Machines
from coordinator.waiting import scenario, until_quiet
from wheelyard.coordinator.command_run import CommandEnded
from wheelyard.coordinator.farm.commands import CommandsCarrier, CommandUndertaking
from wheelyard.coordinator.farm.crew import CrewParts
from wheelyard.errors import ConfigurationError
from wheelyard.model.artifact import Artifact, Origin
from wheelyard.model.job import Offer, Outcome, Report
from wheelyard.model.request import Kind, Request, RequestState
from wheelyard.plan.command import CommandPlan, plan_command
from wheelyard.protocol.commands import CommandWanted, encode_command
from wheelyard.testing.repositories import MemoryRepositories
from wheelyard.web.stories import Stories
from wheelyard.web.telling import read

ADDRESS = "https://git.example/demo.git"
LINUX = {**X86, "os": "linux"}
MAIL = "mailto:ann@example.org"


class Trees:
    """A farm for commands; ``stories`` are what was told."""

    def __init__(self) -> None:
        self.farm = Machines({})
        self.repositories = MemoryRepositories({ADDRESS: {"main": 20}})
        self.stories = Stories()
        self.farm.carriers[Kind.COMMAND] = self._carrier

    async def builder(self, name: str, **how: object) -> None:
        one = await self.farm.builder(name, **{"facts": LINUX, **how})  # type: ignore[arg-type]
        one.everything = archived

    def told(self, request: Request) -> list[str]:
        story = self.stories.get(request.id)
        assert story is not None
        return [type(read(line)).__name__ for _, line in story.after(0)]

    def ended(self, request: Request) -> CommandEnded:
        story = self.stories.get(request.id)
        assert story is not None
        last = read(story.after(0)[-1][1])
        assert isinstance(last, CommandEnded)
        return last

    def _carrier(self, parts: CrewParts) -> CommandsCarrier:
        return CommandsCarrier(parts=parts, plan=self._plan, tale_of=self.stories.begin)

    async def _plan(self, request: Request, wanted: CommandWanted) -> CommandPlan:
        found = await self.repositories.revision(ADDRESS, wanted.revision, wanted.tolerance)
        again = request.id if wanted.rebuild else ""
        return plan_command(wanted, found, machine="x86_64", surroundings=again)


def archived(offer: Offer) -> Report:
    assert offer.command is not None
    artifact = Artifact(
        filename=offer.command.filename,
        digest=f"sha256:{offer.key}",
        size=1,
        release=offer.release,
        tags=frozenset(),
        origin=Origin.COMMAND,
    )
    return Report(outcome=Outcome.BUILT, artifact=artifact)


def command(*, notify: tuple[str, ...] = (), **asked: object) -> Asked:
    usual = {"repository": ADDRESS, "line": "make", "artifacts": ("dist/*",)}
    wanted = CommandWanted(**{**usual, **asked})  # type: ignore[arg-type]
    return Asked(asked=encode_command(wanted), kind=Kind.COMMAND, notify=notify)


def test_a_command_is_built_once_told_and_answered_from_the_store_within_its_range() -> None:
    async def work() -> None:
        trees = Trees()
        farm = trees.farm
        async with farm.led() as coordinator:
            await trees.builder("one")
            first = await coordinator.submit(command(revision="7", notify=(MAIL,)))
            end = await farm.end_of(first)
            assert end.state is RequestState.DONE, end.reason
            assert end.reason.startswith("demo-7-")
            assert trees.told(first)[-2:] == ["JobEnded", "CommandEnded"]
            await until_quiet(lambda: bool(farm.letters.sent))
            await farm.machines["one"].end()
            near = await coordinator.submit(command(revision="9", tolerance=2))
            reason = (await farm.end_of(near)).reason
            assert reason == f"{end.reason}, of revision 7 where 9 was asked for"
            assert trees.told(near) == ["UnitProvided", "CommandEnded"]
            assert (trees.ended(near).wanted, trees.ended(near).revision) == (9, 7)
        assert [to for to, _, _ in farm.letters.sent] == [MAIL]
        assert farm.machines["one"].built == ["demo"]
        # It is in no index.
        assert await farm.local.artifacts.projects() == []
        await farm.close()

    scenario(work)


def test_rebuild_builds_what_is_there() -> None:
    async def work() -> None:
        trees = Trees()
        async with trees.farm.led() as coordinator:
            await trees.builder("one")
            for rebuild in (False, True):
                request = await coordinator.submit(command(rebuild=rebuild))
                assert (await trees.farm.end_of(request)).state is RequestState.DONE
        assert trees.farm.machines["one"].built == ["demo", "demo"]
        await trees.farm.close()

    scenario(work)


def test_a_command_goes_only_to_a_builder_that_has_what_it_needs() -> None:
    async def work() -> None:
        trees = Trees()
        async with trees.farm.led() as coordinator:
            await trees.builder("plain")
            await trees.builder("open", facts={**LINUX, "network": "yes", "site": "cellar"})
            request = await coordinator.submit(command(network=True, needs="site=cellar"))
            assert (await trees.farm.end_of(request)).state is RequestState.DONE
        assert trees.farm.machines["plain"].order == []
        assert trees.farm.machines["open"].built == ["demo"]
        await trees.farm.close()

    scenario(work)


def test_a_failure_and_an_unknown_revision_end_the_request_with_why() -> None:
    async def work() -> None:
        trees = Trees()
        async with trees.farm.led() as coordinator:
            await trees.builder("one")
            failed = Report(outcome=Outcome.FAILED, reason="it ended with 7", hint="look")
            trees.farm.machines["one"].everything = lambda _: failed
            end = await trees.farm.end_of(await coordinator.submit(command()))
            assert end.state is RequestState.FAILED
            assert end.reason == "failed: it ended with 7\nhint: look"
            end = await trees.farm.end_of(await coordinator.submit(command(revision="no")))
            assert end.state is RequestState.FAILED
            assert "no revision 'no'" in end.reason
        await trees.farm.close()

    scenario(work)


def test_a_new_leader_goes_on_with_a_command_that_runs() -> None:
    async def work() -> None:
        trees = Trees()
        farm = trees.farm
        async with farm.led() as coordinator:
            await trees.builder("one", manual=True)
            request = await coordinator.submit(command(rebuild=True))
            one = farm.machines["one"]
            await until_quiet(lambda: bool(one.running))
        async with farm.led() as coordinator:
            await until_quiet(lambda: _waits(coordinator.undertaking(request.id)))
            await one.release("demo")
            assert (await farm.end_of(request)).state is RequestState.DONE
        assert one.order == ["demo"]
        await farm.close()

    scenario(work)


def _waits(undertaking: object) -> bool:
    return isinstance(undertaking, CommandUndertaking) and bool(undertaking.keys())


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"repository": "/srv/git/x"}, "no address"),
        ({"repository": "file:///srv/git/x"}, "fetches from none"),
        ({"repository": "FILE:///srv/git/x"}, "fetches from none"),
        ({"repository": " file:///srv/git/x"}, "no address"),
        ({"repository": "ext::sh -c x"}, "no address"),
        ({"repository": "https://ann:hunter2@git.example/x"}, "credentials"),
        ({"repository": "https://git.example/x?token=hunter2"}, "credentials"),
        ({"options": (("token", "hunter2"),)}, "looks like a secret"),
        ({"needs": "what"}, "is not a need"),
        ({"tolerance": -1}, "range of -1"),
        ({"artifacts": ("../x",)}, "no pattern"),
    ],
)
def test_what_no_farm_can_do_is_refused_when_it_is_asked_for(
    asked: dict[str, Any], said: str
) -> None:
    async def work() -> None:
        trees = Trees()
        async with trees.farm.led() as coordinator:
            with pytest.raises(ConfigurationError, match=said) as refused:
                await coordinator.submit(command(**asked))
            assert "hunter2" not in refused.value.message
            assert refused.value.hint
        await trees.farm.close()

    scenario(work)
