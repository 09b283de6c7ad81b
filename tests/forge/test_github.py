"""What holds on GitHub alone: its limits, tokens, rights, and processes that die halfway."""

import logging
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from forge import hands
from forge.github_hub import BOT, TOKEN, RefusalError
from forge.test_forge import EDITED, FILES, draft
from forge.worlds import GitHubWorld
from wheelyard.errors import BusyError, ConfigurationError, ForgeError, GoneError
from wheelyard.forge.github.forge import GitHubForge, GitHubSettings
from wheelyard.forge.running import Place, environment_for
from wheelyard.model.proposal import Check, CheckState, Draft, ProposalState

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[GitHubWorld]:
    made = GitHubWorld(tmp_path / "github")
    yield made
    await made.close()


def feedstock(world: GitHubWorld) -> Draft:
    return draft(world, world.create("six", FILES))


def asked(world: GitHubWorld, what: str) -> int:
    return sum(what in f"{one.method} {one.path}" for one in world.hub.asked)


@pytest.mark.parametrize(
    "where", ["POST /repos/feedstocks/six/pulls", "POST /repos/feedstocks/six/forks"]
)
async def test_who_dies_on_the_way_to_a_pull_request_makes_one_in_the_end(
    world: GitHubWorld, where: str
) -> None:
    offered = feedstock(world)
    world.hub.refusals = [(where, RefusalError(500, "died"))] * 9
    with pytest.raises(ForgeError):
        await world.forge.propose(offered)
    assert world.hub.pulls == []
    world.hub.refusals = []
    again = world.another()
    proposal = await again.propose(offered)
    await again.aclose()
    assert proposal.state is ProposalState.OPEN
    assert len(world.hub.pulls) == 1
    assert hands.git(world.hub.bare(f"{BOT}/six"), "rev-list", "--count", offered.branch) == "2"


async def test_who_dies_after_the_pull_request_finds_it(world: GitHubWorld) -> None:
    offered = feedstock(world)
    world.hub.refusals = [
        ("POST /repos/feedstocks/six/issues/1/labels", RefusalError(500, "died"))
    ] * 9
    with pytest.raises(ForgeError):
        await world.forge.propose(offered)
    world.hub.refusals = []
    again = world.another()
    proposal = await again.propose(offered)
    await again.aclose()
    assert (proposal.number, proposal.labels) == ("#1", offered.labels)
    assert (len(world.hub.pulls), asked(world, "git-receive-pack HTTP")) == (1, 0)
    assert asked(world, "POST /git/yard-bot/six.git/git-receive-pack") == 1


async def test_a_short_limit_is_waited_for_and_a_long_one_is_said(world: GitHubWorld) -> None:
    offered = feedstock(world)
    soon = RefusalError(429, "Too many requests", retry_after="7")
    world.hub.refusals = [("POST /repos/feedstocks/six/pulls", soon)]
    await world.forge.propose(offered)
    assert 6 < max(world.waited) <= 7
    slow = RefusalError(403, "You have exceeded a secondary rate limit", retry_after="600")
    world.hub.refusals = [("GET /repos/feedstocks/six/pulls", slow)]
    with pytest.raises(BusyError, match="asked nothing") as raised:
        await world.forge.proposal(offered.name)
    assert 590 < raised.value.seconds <= 600
    before = len(world.hub.asked)
    with pytest.raises(BusyError):
        await world.forge.tip("feedstocks/six")
    assert len(world.hub.asked) == before, "it was asked although it wants to be left alone"


async def test_a_limit_without_a_time_is_a_minute(world: GitHubWorld) -> None:
    feedstock(world)
    limit = RefusalError(403, "You have exceeded a secondary rate limit.")
    world.hub.refusals = [("GET /repos/feedstocks/six", limit)]
    with pytest.raises(BusyError) as raised:
        await world.forge.tip("feedstocks/six")
    assert 59 < raised.value.seconds <= 60


async def test_an_hour_that_is_used_up_is_not_asked_in(world: GitHubWorld) -> None:
    feedstock(world)
    forge = GitHubForge(
        GitHubSettings(token=TOKEN, address=world.hub.url, apart=0), now=lambda: 1_000.0
    )
    used = RefusalError(
        403, "API rate limit exceeded", x_ratelimit_remaining="0", x_ratelimit_reset="2500"
    )
    world.hub.refusals = [("GET /repos/feedstocks/six", used)]
    with pytest.raises(BusyError) as raised:
        await forge.tip("feedstocks/six")
    await forge.aclose()
    assert raised.value.seconds == 1_500


async def test_changes_lie_a_second_apart(world: GitHubWorld) -> None:
    offered = feedstock(world)
    time, waited = 0.0, list[float]()

    async def delay(seconds: float) -> None:
        nonlocal time
        time += seconds
        waited.append(seconds)

    forge = GitHubForge(
        GitHubSettings(token=TOKEN, address=world.hub.url), delay=delay, now=lambda: time
    )
    await forge.propose(offered)
    await forge.aclose()
    changes = sum(one.method == "POST" and "/git/" not in one.path for one in world.hub.asked)
    assert waited == [1.0] * (changes - 1)


async def test_what_did_not_change_costs_nothing_of_the_limit(world: GitHubWorld) -> None:
    name = (await world.forge.propose(feedstock(world))).name
    await world.forge.proposal(name)
    world.hub.asked.clear()
    await world.forge.proposal(name)
    assert {one.status for one in world.hub.asked} == {304}


async def test_the_token_is_in_no_address_command_log_or_message(
    world: GitHubWorld, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    argv = tmp_path / "argv"
    real = shutil.which("git")
    wrapper = tmp_path / "bin" / "git"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\necho "$@" >> {argv}\nexec {real} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")
    with caplog.at_level(logging.DEBUG):
        proposal = await world.forge.propose(feedstock(world))
        world.remove("six")
        with pytest.raises(GoneError) as raised:
            await world.forge.look("feedstocks/six", ["*"])
    spoken = "\n".join(world.hub.seen) + argv.read_text() + caplog.text + repr(raised.value)
    commit = hands.git(world.hub.bare(f"{BOT}/six"), "cat-file", "-p", proposal.head)
    pull = repr(world.hub.pulls)
    assert "fetch" in argv.read_text()
    assert TOKEN not in spoken + commit + pull
    assert TOKEN not in repr(world.forge._settings)


async def test_a_wrong_token_is_said_without_it(world: GitHubWorld) -> None:
    feedstock(world)
    forge = world.another(token="ghs_wRoNg")
    with pytest.raises(ForgeError, match="does not take the token") as raised:
        await forge.tip("feedstocks/six")
    await forge.aclose()
    assert "wRoNg" not in raised.value.message + raised.value.hint


async def test_rights_that_are_missing_cost_no_proposal(world: GitHubWorld) -> None:
    world.hub.may_not = {"/labels", "/statuses/", "auto-merge"}
    proposal = await world.forge.propose(replace(feedstock(world), auto_merge=True))
    assert (proposal.state, proposal.labels) == (ProposalState.OPEN, ())
    check = Check(name="trial build", state=CheckState.FAILED, summary="no compiler")
    for _ in range(2):
        await world.forge.report(proposal.name, check)
    assert await world.comments(proposal.name) == ["**trial build**: failed. no compiler"]


async def test_auto_merge_is_asked_for(world: GitHubWorld) -> None:
    await world.forge.propose(replace(feedstock(world), auto_merge=True))
    assert world.hub.pulls[0].auto_merge


async def test_checks_of_apps_count_as_well_and_come_in_pages(world: GitHubWorld) -> None:
    proposal = await world.forge.propose(feedstock(world))
    world.hub.page = 2
    ends = [("completed", "success"), ("completed", "timed_out"), ("in_progress", None)]
    world.hub.runs[proposal.head] = [
        {"name": f"run {number}", "status": status, "conclusion": conclusion, "html_url": "u"}
        for number, (status, conclusion) in enumerate(ends)
    ]
    for number in range(5):
        await world.forge.report(proposal.name, Check(name=f"{number}", state=CheckState.PASSED))
    found = await world.forge.proposal(proposal.name)
    assert found is not None
    assert [check.state for check in found.checks if check.name.startswith("run")] == [
        CheckState.PASSED,
        CheckState.FAILED,
        CheckState.PENDING,
    ]
    assert len(found.checks) == 8


async def test_a_sign_that_somebody_else_wrote_keeps_nobody_quiet(world: GitHubWorld) -> None:
    proposal = await world.forge.propose(feedstock(world))
    await world.forge.comment(proposal.name, "It failed.", once="1")
    pull = world.hub.pulls[0]
    pull.comments = [("troll", pull.comments[0][1])]
    await world.forge.comment(proposal.name, "It failed.", once="1")
    assert [login for login, _ in pull.comments] == ["troll", BOT]


async def test_a_repository_that_was_renamed_is_found(world: GitHubWorld) -> None:
    offered = feedstock(world)
    world.hub.moved = {"old/six": "feedstocks/six"}
    assert await world.forge.tip("old/six") == offered.base
    world.hub.moved = {"old/six": "../../elsewhere"}
    world.hub.refusals = [
        ("old/six", RefusalError(301, "Moved", Location="http://127.0.0.1:1/steal"))
    ]
    with pytest.raises(ForgeError, match="somewhere else"):
        await world.forge.tip("old/six")


async def test_a_next_page_elsewhere_is_not_asked_for(world: GitHubWorld, tmp_path: Path) -> None:
    proposal = await world.forge.propose(feedstock(world))
    other = GitHubWorld(tmp_path / "other")
    world.hub.page, world.hub.pages_at = 1, other.hub.url
    for number in range(3):
        await world.forge.report(proposal.name, Check(name=f"{number}", state=CheckState.PASSED))
    await world.forge.proposal(proposal.name)
    await other.close()
    assert other.hub.asked == [], "another server was told the token"


def test_the_token_is_told_to_the_server_of_its_repository_alone() -> None:
    place = Place(address="https://git.example/o/r.git", token=TOKEN)
    variables = environment_for(place)
    assert variables["GIT_CONFIG_KEY_0"] == "http.https://git.example/o/r.git.extraHeader"
    assert TOKEN not in repr(place)


async def test_an_archived_repository_is_said_to_be_so(world: GitHubWorld) -> None:
    offered = feedstock(world)
    world.hub.archived = {"feedstocks/six"}
    with pytest.raises(GoneError, match="archived"):
        await world.forge.propose(offered)


async def test_a_fork_that_is_behind_is_brought_up_to_date_and_one_that_is_not_is_pushed_to(
    world: GitHubWorld,
) -> None:
    first = world.create("six", FILES)
    world.hub.fork("feedstocks/six")
    tip = world.change("six", {"README.md": b"Newer.\n"}, "Write")
    assert (await world.forge.propose(draft(world, tip))).state is ProposalState.OPEN
    hands.change(world.hub.bare(f"{BOT}/six"), {"mine": b"1"}, "Diverge")
    tip = world.change("six", {"README.md": b"Newest.\n"}, "Write")
    world.hub.refusals = [("merge-upstream", RefusalError(409, "There was a conflict"))]
    other = draft(world, tip, key="other", content=EDITED + b"#\n")
    assert (await world.forge.propose(other)).state is ProposalState.OPEN
    assert first != tip


async def test_a_fork_that_was_deleted_leaves_its_pull_request(world: GitHubWorld) -> None:
    proposal = await world.forge.propose(feedstock(world))
    shutil.rmtree(world.hub.bare(f"{BOT}/six"))
    world.reject(proposal.name)
    found = await world.forge.proposal(proposal.name)
    assert found is not None
    assert (found.state, found.head) == (ProposalState.CLOSED, proposal.head)


async def test_a_pull_request_that_somebody_opened_meanwhile_is_taken(world: GitHubWorld) -> None:
    offered = feedstock(world)
    first = await world.forge.propose(offered)
    exists = RefusalError(422, "Validation Failed", "A pull request already exists for yard-bot:x.")
    world.hub.refusals = [("POST /repos/feedstocks/six/pulls", exists)]
    kept, world.hub.pulls = world.hub.pulls, []
    world.hub.refusals.insert(0, ("GET /repos/feedstocks/six/pulls", RefusalError(404, "")))
    with pytest.raises(GoneError):
        await world.forge.propose(offered)
    world.hub.pulls = kept
    assert (await world.forge.propose(offered)).number == first.number


async def test_branches_go_to_the_repository_itself_where_that_is_wanted(
    world: GitHubWorld,
) -> None:
    base = world.hub.create(f"{BOT}/own", FILES)
    forge = world.another(direct=True)
    offered = replace(draft(world, base), repository=f"{BOT}/own")
    proposal = await forge.propose(offered)
    merged = await forge.merge(proposal.name)
    await forge.aclose()
    assert merged.state is ProposalState.MERGED
    assert asked(world, "/forks") == 0


async def test_a_server_that_breaks_off_is_asked_again(world: GitHubWorld) -> None:
    offered = feedstock(world)
    world.hub.refusals = [("GET", RefusalError(502, "Bad gateway"))] * 3
    assert await world.forge.tip("feedstocks/six") == offered.base
    world.hub.close()
    forge = world.another()
    with pytest.raises(ForgeError, match="cannot be reached"):
        await forge.tip("feedstocks/six")
    await forge.aclose()


@pytest.mark.parametrize("name", ["six", "a/b/c", "a/..", "../x", "a/b?c", "", "-a/b", "a b/c"])
async def test_a_name_that_is_none_of_a_repository_is_refused(
    world: GitHubWorld, name: str
) -> None:
    with pytest.raises(ConfigurationError, match="no repository of GitHub"):
        await world.forge.tip(name)
