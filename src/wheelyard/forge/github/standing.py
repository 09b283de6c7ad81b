"""How a pull request stands: what GitHub says, and what it does not see.

GitHub calls a pull request merged where its button, or its very commit, was used. A change that people
made by hand, or squashed elsewhere, is found as in any git repository.
"""

from collections import OrderedDict

from wheelyard.errors import GoneError
from wheelyard.forge.github.api import Api, Json
from wheelyard.forge.github.places import Places
from wheelyard.forge.github.pulls import Pulls, number_of
from wheelyard.forge.github.words import field, labels_of, text
from wheelyard.forge.merging import merged_as, merged_tree
from wheelyard.forge.refs import record_of
from wheelyard.forge.running import GitCommand
from wheelyard.forge.workshop import opened
from wheelyard.model.proposal import Proposal, ProposalName, ProposalState

_REMEMBERED = 10_000
_Landed = tuple[str, str, bool]
"""With which commit a change came to a branch, who made that, and whether it merges cleanly."""


class Standings:
    """Looks pull requests up."""

    def __init__(self, api: Api, places: Places, pulls: Pulls, git: GitCommand) -> None:
        self._api = api
        self._places = places
        self._pulls = pulls
        self._git = git
        # What two commits are to each other never changes.
        self._landed: OrderedDict[tuple[str, str], _Landed] = OrderedDict()

    async def said(self, name: ProposalName, found: Json) -> Proposal:
        """Return how a pull request stands."""
        pull = await self._pulls.whole(name.repository, found)
        head, record = await self._heads(name, pull)
        base = await self._base(name.repository, record or head)
        merged, by, clean = await self._merged(name, pull, base, head)
        return Proposal(
            name=name,
            state=_state(pull, merged, clean=clean),
            head=head,
            base=base,
            number=f"#{number_of(pull)}",
            url=text(pull, "html_url"),
            title=text(pull, "title"),
            labels=labels_of(pull),
            checks=tuple(await self._pulls.checks(name.repository, head)),
            merged_as=merged,
            by=by,
            foreign=head != record,
        )

    async def merged_as(self, name: ProposalName, pull: Json) -> str:
        """Return the commit with which a pull request came to its branch, or nothing."""
        if text(pull, "merged_at"):
            return text(pull, "merge_commit_sha")
        head, record = await self._heads(name, pull)
        base = await self._base(name.repository, record or head)
        return (await self._merged(name, pull, base, head))[0]

    async def _heads(self, name: ProposalName, pull: Json) -> tuple[str, str]:
        """Return where the branch is, and what we had pushed to it."""
        head, fork = text(pull, "head", "sha"), text(pull, "head", "repo", "full_name")
        if not fork:
            # The fork was deleted; the pull request keeps its commits.
            return head, head
        # Asked of the fork, for a pull request follows its branch with a delay.
        branch = await self._places.ref(fork, f"heads/{name.branch}")
        record = await self._places.ref(fork, record_of(name).removeprefix("refs/"))
        return branch or head, record

    async def _base(self, repository: str, commit: str) -> str:
        try:
            found = await self._api.get(f"/repos/{repository}/git/commits/{commit}")
        except GoneError:
            return ""
        parents = field(found, "parents") or []
        return text(parents[0], "sha") if parents else ""

    async def _merged(self, name: ProposalName, pull: Json, base: str, head: str) -> _Landed:
        if text(pull, "merged_at"):
            return text(pull, "merge_commit_sha"), text(pull, "merged_by", "login"), True
        onto = text(pull, "base", "ref")
        tip = await self._places.branch(name.repository, onto)
        if tip == base or not base:
            return "", "", True
        key = (head, tip)
        if key not in self._landed:
            if len(self._landed) >= _REMEMBERED:
                self._landed.popitem(last=False)
            self._landed[key] = await self._looked(name.repository, base, head, tip)
        return self._landed[key]

    async def _looked(self, repository: str, base: str, head: str, tip: str) -> _Landed:
        place = (await self._places.repository(repository)).place
        async with opened(self._git, place, tip) as shop:
            await shop.fetch([base, head, tip], history=True)
            found = await merged_as(shop, base, head, tip)
            by = (await shop.run("show", "-s", "--format=%an", found)).text if found else ""
            return found, by, bool(found or await merged_tree(shop, tip, head))


def _state(pull: Json, merged: str, *, clean: bool) -> ProposalState:
    if merged:
        return ProposalState.MERGED
    if field(pull, "state") != "open":
        return ProposalState.CLOSED
    # While GitHub still computes, it says nothing (null).
    if field(pull, "mergeable") is False or not clean:
        return ProposalState.CONFLICT
    return ProposalState.OPEN
