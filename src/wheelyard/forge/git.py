"""Repositories that git alone looks after: a proposal is a branch, and whoever merges it has decided.

Bare repositories below a folder of this machine, or any address that git pushes to. A branch that is
gone was closed; one that came to its base by whatever way was merged.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from wheelyard.errors import ForgeError, GoneError
from wheelyard.forge.addresses import place_of, repositories_below
from wheelyard.forge.landing import landings
from wheelyard.forge.loose import tip_of
from wheelyard.forge.merging import is_ancestor, merged_as, merged_tree
from wheelyard.forge.messages import Remarks, read, written
from wheelyard.forge.refs import HEADS, Refs, read_refs, record_of, remarks_of
from wheelyard.forge.running import GitCommand, Place
from wheelyard.forge.standing import (
    REMARKS_FILE,
    Standing,
    remarks_of_proposal,
    said,
    standing_of,
)
from wheelyard.forge.workshop import Workshop, opened
from wheelyard.model.proposal import (
    Author,
    Check,
    Draft,
    Landing,
    Proposal,
    ProposalName,
    ProposalState,
    Tree,
    check_draft,
)

_TRIES = 8


class GitForge:
    """The ``Forge`` port on git repositories.

    ``folder`` holds those that it looks after by name; addresses and paths are understood, too.
    ``author`` is who merges, and says things.
    """

    def __init__(
        self,
        *,
        folder: Path | None = None,
        author: Author | None = None,
        seconds: float = 120,
    ) -> None:
        self._folder = folder
        self._author = author or Author()
        self._git = GitCommand(seconds=seconds)

    async def repositories(self) -> Sequence[str]:
        """Return the repositories in the folder, by their paths below it."""
        if self._folder is None:
            return ()
        return await asyncio.to_thread(repositories_below, self._folder)

    async def tip(self, repository: str, *, branch: str = "") -> str:
        """Return the newest commit of a branch."""
        path = self._place(repository).path
        found = await asyncio.to_thread(tip_of, path, branch) if path else ""
        return found or (await self._refs(repository, branch)).tip(branch)

    async def look(
        self, repository: str, patterns: Sequence[str], *, branch: str = "", commit: str = ""
    ) -> Tree:
        """Return files that match a pattern."""
        refs = await self._refs(repository, branch)
        found = commit or refs.tip(branch)
        async with opened(self._git, refs.place, found) as shop:
            await shop.fetch([found], history=False)
            files = await shop.read(await shop.entries(found, patterns))
        return Tree(repository=repository, commit=found, branch=branch or refs.default, files=files)

    async def propose(self, draft: Draft) -> Proposal:
        """Offer a change as a branch."""
        check_draft(draft)
        for _ in range(_TRIES):
            refs = await self._refs(draft.repository, draft.onto)
            refs.branch(draft.onto)
            async with opened(self._git, refs.place, draft.base) as shop:
                old = await standing_of(shop, refs, draft.name)
                if old is not None and _is_decided(found := await said(old)):
                    return found
                await shop.fetch([draft.base], history=refs.place.path is not None)
                made = await shop.commit(draft, written(draft))
                if made == refs.head(draft.name) or await self._offer(shop, refs, draft, made):
                    return await said(_offered(shop, refs, draft, made))
        raise ForgeError(
            f"The branch {draft.branch!r} of {draft.repository} changes again and again",
            hint="See who else pushes to it; a *.lock file that a killed git left there has to be removed.",
        )

    async def proposal(self, name: ProposalName) -> Proposal | None:
        """Return how a proposal stands."""
        async with self._opened(name) as (_, standing):
            return await said(standing) if standing else None

    async def proposals(self, repository: str) -> Sequence[Proposal]:
        """Return the open proposals of a repository."""
        refs = await self._refs(repository)
        names = [name for name in refs.names(repository) if refs.head(name)]
        found = []
        async with opened(self._git, refs.place, next(iter(refs.commits.values()), "")) as shop:
            for name in names:
                standing = await standing_of(shop, refs, name)
                if standing is not None:
                    found.append(replace(await said(standing), checks=()))
        return [one for one in found if one.state.is_open]

    async def comment(self, name: ProposalName, text: str, *, once: str) -> None:
        """Say something of a proposal, once."""

        def more(remarks: Remarks) -> Remarks:
            return replace(remarks, comments={once: text, **remarks.comments})

        await self._remark(name, more)

    async def report(self, name: ProposalName, check: Check) -> None:
        """Keep the result of a check."""

        def more(remarks: Remarks) -> Remarks:
            return replace(remarks, checks={**remarks.checks, check.name: check})

        await self._remark(name, more)

    async def merge(self, name: ProposalName) -> Proposal:
        """Merge a proposal with a commit of two parents."""
        for _ in range(_TRIES):
            async with self._opened(name) as (refs, found):
                standing = _known(name, found)
                now = await said(standing)
                if now.state is not ProposalState.OPEN:
                    return now
                await self._merge(refs, standing)
        return await self._said_of(name)

    async def close(self, name: ProposalName, why: str) -> Proposal:
        """Withdraw a proposal: its branch goes, its record stays."""
        now = await self._said_of(name)
        if not now.state.is_open:
            return now
        await self.comment(name, why, once="closed")
        async with self._opened(name) as (refs, found):
            standing = _known(name, found)
            await standing.shop.push({HEADS + name.branch: (refs.head(name), "")})
        return await self._said_of(name)

    async def landed(self, repository: str, since: str, *, branch: str = "") -> Sequence[Landing]:
        """Return what came to a branch after a commit."""
        refs = await self._refs(repository, branch)
        tip = refs.tip(branch)
        async with opened(self._git, refs.place, tip) as shop:
            await shop.fetch([since, tip], history=True)
            merges = {}
            for name in refs.names(repository):
                standing = await standing_of(shop, refs, name)
                if standing and not await is_ancestor(shop, standing.head, since):
                    merges[await merged_as(shop, standing.base, standing.head, tip)] = name
            return await landings(shop, repository, since, tip, merges)

    async def _refs(self, repository: str, *branches: str) -> Refs:
        return await read_refs(self._git, self._place(repository), branches=branches)

    def _place(self, repository: str) -> Place:
        return place_of(repository, self._folder)

    @asynccontextmanager
    async def _opened(self, name: ProposalName) -> AsyncIterator[tuple[Refs, Standing | None]]:
        refs = await self._refs(name.repository)
        async with opened(self._git, refs.place, refs.record(name)) as shop:
            standing = await standing_of(shop, refs, name)
            if standing is not None and HEADS + standing.message.onto not in refs.commits:
                refs = await self._refs(name.repository, standing.message.onto)
                standing = replace(standing, refs=refs)
            yield refs, standing

    async def _offer(self, shop: Workshop, refs: Refs, draft: Draft, made: str) -> bool:
        """Push branch and record together, so that none is ever there without the other."""
        name = draft.name
        return await shop.push(
            {
                HEADS + draft.branch: (refs.head(name), made),
                record_of(name): (refs.record(name), made),
            }
        )

    async def _merge(self, refs: Refs, standing: Standing) -> None:
        shop, onto = standing.shop, refs.branch(standing.message.onto)
        tip = refs.tip(onto)
        tree = await merged_tree(shop, tip, standing.head)
        date = int((await shop.run("show", "-s", "--format=%ct", standing.head)).text)
        message = f"Merge {standing.message.title}\n"
        parents = (tip, standing.head)
        made = await shop.commit_tree(tree, parents, message, author=self._author, date=date)
        await shop.push({HEADS + onto: (tip, made)})

    async def _said_of(self, name: ProposalName) -> Proposal:
        async with self._opened(name) as (_, found):
            return await said(_known(name, found))

    async def _remark(self, name: ProposalName, more: Callable[[Remarks], Remarks]) -> None:
        """Keep what is said now, beside what was."""
        for _ in range(_TRIES):
            async with self._opened(name) as (refs, found):
                standing = _known(name, found)
                old = await remarks_of_proposal(standing)
                new = more(old)
                if new == old or await self._keep(refs, standing, new):
                    return

    async def _keep(self, refs: Refs, standing: Standing, remarks: Remarks) -> bool:
        shop, ref = standing.shop, remarks_of(standing.name)
        blob = await shop.write(remarks.dump())
        tree = await shop.run("mktree", given=f"100644 blob {blob}\t{REMARKS_FILE}\n".encode())
        last = refs.commits.get(ref, "")
        made = await shop.commit_tree(
            tree.text, [last] if last else [], "Say something\n", author=self._author, date=0
        )
        return await shop.push({ref: (last, made)})


def _known(name: ProposalName, standing: Standing | None) -> Standing:
    if standing is None:
        raise GoneError(f"{name.repository} has no proposal {name.key!r}", hint="Offer it first.")
    return standing


def _offered(shop: Workshop, refs: Refs, draft: Draft, made: str) -> Standing:
    """Return how a draft stands that was just pushed."""
    pushed = {HEADS + draft.branch: made, record_of(draft.name): made}
    return Standing(
        shop=shop,
        refs=replace(refs, commits={**refs.commits, **pushed}),
        name=draft.name,
        head=made,
        record=made,
        base=draft.base,
        message=read(written(draft)),
    )


def _is_decided(proposal: Proposal) -> bool:
    return not proposal.state.is_open or proposal.foreign
