"""The ``Forge`` port on GitHub: branches of a fork, offered as pull requests.

Branch and record are pushed together, and the branch's name is the proposal's: whoever dies between
push and pull request finds the branch again, and between pull request and writing that down the pull
request.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from wheelyard.errors import ForgeError, GoneError
from wheelyard.forge.github.api import DEFAULT_ADDRESS, Api, ApiSettings, Json
from wheelyard.forge.github.limits import Delay, Now
from wheelyard.forge.github.places import Places, Repository
from wheelyard.forge.github.pulls import Pulls
from wheelyard.forge.github.standing import Standings
from wheelyard.forge.landing import landings
from wheelyard.forge.messages import written
from wheelyard.forge.refs import HEADS, read_refs, record_of
from wheelyard.forge.running import GitCommand
from wheelyard.forge.workshop import Workshop, opened
from wheelyard.model.proposal import (
    Check,
    Draft,
    Landing,
    Proposal,
    ProposalName,
    ProposalState,
    Tree,
    check_draft,
    named_by_branch,
)

_RECENT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHubSettings:
    """How to deal with GitHub.

    ``repositories`` are looked after; ``owner/*`` means all of an owner's. ``direct``: branches are pushed to the
    repository itself, not to a fork. ``method`` is how pull requests are merged.
    """

    token: str = field(repr=False)
    address: str = DEFAULT_ADDRESS
    repositories: tuple[str, ...] = ()
    login: str = ""
    direct: bool = False
    method: str = "merge"
    git_seconds: float = 120
    patience: float = 20
    apart: float = 1


class GitHubForge:
    """The ``Forge`` port on GitHub."""

    def __init__(
        self, settings: GitHubSettings, *, delay: Delay = asyncio.sleep, now: Now = time.time
    ) -> None:
        self._settings = settings
        api = ApiSettings(
            token=settings.token,
            address=settings.address,
            patience=settings.patience,
            apart=settings.apart,
        )
        self._api = Api(api, delay=delay, now=now)
        self._git = GitCommand(seconds=settings.git_seconds)
        self._pulls = Pulls(self._api, method=settings.method)
        self._places = Places(
            self._api,
            token=settings.token,
            login=settings.login,
            direct=settings.direct,
            delay=delay,
        )
        self._standings = Standings(self._api, self._places, self._pulls, self._git)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._api.close()

    async def address(self, repository: str) -> str:
        """Return where git finds a repository, without secrets."""
        return (await self._places.repository(repository)).place.address

    async def repositories(self) -> Sequence[str]:
        """Return the repositories that were named, and those of owners."""
        found: set[str] = set()
        for name in self._settings.repositories:
            owner, star, _ = name.partition("/*")
            found |= {one async for one in self._of_owner(owner)} if star else {name}
        return tuple(sorted(found))

    async def tip(self, repository: str, *, branch: str = "") -> str:
        """Return the newest commit of a branch."""
        return await self._places.branch(repository, branch)

    async def look(
        self, repository: str, patterns: Sequence[str], *, branch: str = "", commit: str = ""
    ) -> Tree:
        """Return files that match a pattern."""
        known = await self._places.repository(repository)
        found = commit or await self._places.branch(repository, branch or known.default)
        async with self._opened(known, found) as shop:
            files = await shop.read(await shop.entries(found, patterns))
        return Tree(
            repository=repository, commit=found, branch=branch or known.default, files=files
        )

    async def propose(self, draft: Draft) -> Proposal:
        """Offer a change as a pull request."""
        check_draft(draft)
        pull = await self._find(draft.name)
        if pull is not None:
            now = await self._standings.said(draft.name, pull)
            if not now.state.is_open or now.foreign:
                return now
        upstream = await self._places.repository(draft.repository)
        if upstream.is_archived:
            raise GoneError(f"{draft.repository} is archived", hint="Leave it out.")
        onto = draft.onto or upstream.default
        fork = await self._places.fork(upstream)
        await self._push(draft, upstream, fork, onto)
        if pull is None:
            pull = await self._pulls.open(draft, head=f"{fork.owner}:{draft.branch}", onto=onto)
        await self._pulls.update(draft, pull)
        await self._pulls.label(draft, pull)
        if draft.auto_merge:
            await self._pulls.auto_merge(pull)
        return await self._standings.said(draft.name, pull)

    async def proposal(self, name: ProposalName) -> Proposal | None:
        """Return how a proposal stands."""
        pull = await self._find(name)
        return await self._standings.said(name, pull) if pull is not None else None

    async def proposals(self, repository: str) -> Sequence[Proposal]:
        """Return the open proposals of a repository."""
        owner, found = await self._places.owner(repository), []
        async for pull in self._pulls.ours(repository, owner, state="open"):
            name = named_by_branch(repository, pull["head"]["ref"])
            if name is not None:
                found.append(replace(await self._standings.said(name, pull), checks=()))
        still = (one for one in found if one.state.is_open)
        return sorted(still, key=lambda one: (one.name.key, one.name.round))

    async def comment(self, name: ProposalName, text: str, *, once: str) -> None:
        """Say something below a pull request, once."""
        pull = await self._known(name)
        by = await self._places.login()
        await self._pulls.comment(name.repository, pull, text, once=once, by=by)

    async def report(self, name: ProposalName, check: Check) -> None:
        """Show a check; as a comment where the token may not do it otherwise."""
        pull = await self._known(name)
        if not await self._pulls.report(name.repository, pull["head"]["sha"], check):
            text = f"**{check.name}**: {check.state}. {check.summary} {check.url}".strip()
            await self.comment(name, text, once=f"{pull['head']['sha']} {check.name} {check.state}")

    async def merge(self, name: ProposalName) -> Proposal:
        """Merge a pull request."""
        pull = await self._known(name)
        now = await self._standings.said(name, pull)
        if now.state is not ProposalState.OPEN:
            return now
        await self._pulls.merge(name.repository, pull, now.head)
        return await self._standings.said(name, pull)

    async def close(self, name: ProposalName, why: str) -> Proposal:
        """Close a pull request; also one whose change came by another way."""
        pull = await self._known(name)
        if pull.get("state") == "open":
            await self.comment(name, why, once="closed")
            await self._pulls.close(name.repository, pull)
        return await self._standings.said(name, pull)

    async def landed(self, repository: str, since: str, *, branch: str = "") -> Sequence[Landing]:
        """Return what came to a branch after a commit."""
        known = await self._places.repository(repository)
        tip = await self._places.branch(repository, branch or known.default)
        owner, merges, seen = await self._places.owner(repository), {}, 0
        async for pull in self._pulls.ours(repository, owner, state="all"):
            seen += 1
            name = named_by_branch(repository, pull["head"]["ref"])
            if name is not None:
                merges[await self._standings.merged_as(name, pull)] = name
            if seen >= _RECENT:
                break
        async with opened(self._git, known.place, tip) as shop:
            await shop.fetch([since, tip], history=True)
            return await landings(shop, repository, since, tip, merges)

    async def _of_owner(self, owner: str) -> AsyncIterator[str]:
        try:
            async for one in self._api.pages(f"/orgs/{owner}/repos"):
                yield str(one["full_name"])
        except GoneError:
            async for one in self._api.pages(f"/users/{owner}/repos"):
                yield str(one["full_name"])

    async def _find(self, name: ProposalName) -> Json | None:
        return await self._pulls.find(name, await self._places.owner(name.repository))

    async def _known(self, name: ProposalName) -> Json:
        pull = await self._find(name)
        if pull is None:
            raise GoneError(
                f"{name.repository} has no proposal {name.key!r}", hint="Offer it first."
            )
        return pull

    @asynccontextmanager
    async def _opened(self, repository: Repository, commit: str) -> AsyncIterator[Workshop]:
        async with opened(self._git, repository.place, commit) as shop:
            await shop.fetch([commit], history=False)
            yield shop

    async def _push(self, draft: Draft, upstream: Repository, fork: Repository, onto: str) -> None:
        """Have branch and record of a draft at the fork, unless they are there."""
        async with self._opened(upstream, draft.base) as shop:
            made = await shop.commit(draft, written(draft))
            refs = await read_refs(self._git, fork.place, branches=[onto])
            head, record = refs.head(draft.name), refs.record(draft.name)
            if (head, record) == (made, made):
                return
            if head != record:
                raise ForgeError(
                    f"{fork.name} has a branch {draft.branch!r} of somebody else's",
                    hint="Rename it, or offer the change in the next round.",
                )
            if not self._settings.direct and refs.commits.get(HEADS + onto) != draft.base:
                await self._places.sync(fork, onto)
            changes = {HEADS + draft.branch: (head, made), record_of(draft.name): (record, made)}
            if not await shop.push_shallow(changes, to=fork.place):
                raise ForgeError(
                    f"The branch {draft.branch!r} of {fork.name} changed meanwhile",
                    hint="It is tried again; see who else pushes to it.",
                )
