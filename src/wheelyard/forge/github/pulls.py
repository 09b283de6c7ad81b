"""Pull requests: found, opened, brought up to date, labelled, commented, checked, merged, closed."""

from collections.abc import AsyncIterator, Sequence

from wheelyard.errors import ForgeError, GoneError, NothingToProposeError
from wheelyard.forge.github.api import Api, Json, RefusedError
from wheelyard.forge.github.words import (
    DESCRIPTION_LIMIT,
    STATUS_OF,
    body_of,
    checks_of_runs,
    checks_of_statuses,
    field,
    labels_of,
    sign_of,
    text,
    title_of,
)
from wheelyard.model.proposal import Check, Draft, ProposalName, named_by_branch

_AUTO_MERGE = """
mutation($pull: ID!, $method: PullRequestMergeMethod!) {
  enablePullRequestAutoMerge(input: {pullRequestId: $pull, mergeMethod: $method}) { clientMutationId }
}
"""


class Pulls:
    """The pull requests that come from the forks of ``login``."""

    def __init__(self, api: Api, *, method: str = "merge") -> None:
        self._api = api
        self._method = method

    async def find(self, name: ProposalName, owner: str) -> Json | None:
        """Return the pull request of a proposal: the open one, else the newest."""
        path = f"/repos/{name.repository}/pulls"
        found = [
            pull
            async for pull in self._api.pages(path, state="all", head=f"{owner}:{name.branch}")
            # Servers have been seen that pass over a filter which they do not understand.
            if text(pull, "head", "ref") == name.branch and _owner(pull) in {owner.lower(), ""}
        ]
        found.sort(key=lambda pull: (field(pull, "state") == "open", field(pull, "number") or 0))
        return found[-1] if found else None

    async def whole(self, repository: str, pull: Json) -> Json:
        """Return all that GitHub says of a pull request."""
        return await self._api.get(f"/repos/{repository}/pulls/{number_of(pull)}")

    async def ours(self, repository: str, owner: str, *, state: str) -> AsyncIterator[Json]:
        """Go through the pull requests that are proposals, newest first."""
        async for pull in self._api.pages(f"/repos/{repository}/pulls", state=state):
            named = named_by_branch(repository, text(pull, "head", "ref"))
            if named and _owner(pull) == owner.lower():
                yield pull

    async def open(self, draft: Draft, *, head: str, onto: str) -> Json:
        """Open a pull request, or return the one that somebody opened in the meantime."""
        path = f"/repos/{draft.repository}/pulls"
        said = {"title": title_of(draft), "body": body_of(draft), "head": head, "base": onto}
        try:
            return await self._api.change("POST", path, {**said, "maintainer_can_modify": True})
        except RefusedError as error:
            if "no commits between" in error.said.lower():
                raise NothingToProposeError(
                    f"{draft.repository} has all that {draft.key!r} offers", hint="Leave it out."
                ) from error
            found = await self.find(draft.name, head.partition(":")[0])
            if found is None or field(found, "state") != "open":
                raise
            return found

    async def update(self, draft: Draft, pull: Json) -> None:
        """Change title and text where the draft has others."""
        said = {"title": title_of(draft), "body": body_of(draft)}
        if any((field(pull, name) or "").strip() != text.strip() for name, text in said.items()):
            path = f"/repos/{draft.repository}/pulls/{number_of(pull)}"
            await self._api.change("PATCH", path, said)

    async def label(self, draft: Draft, pull: Json) -> None:
        """Put labels on; who may not do that in a repository goes without."""
        missing = [label for label in draft.labels if label not in labels_of(pull)]
        if not missing:
            return
        path = f"/repos/{draft.repository}/issues/{number_of(pull)}/labels"
        try:
            await self._api.change("POST", path, {"labels": missing})
        except (RefusedError, GoneError):
            # Labels are for those who may triage; the proposal is none the less for it.
            return

    async def auto_merge(self, pull: Json) -> None:
        """Ask GitHub to merge it once it may; where a repository does not allow that, people do."""
        try:
            await self._api.graphql(
                _AUTO_MERGE, pull=text(pull, "node_id"), method=self._method.upper()
            )
        except ForgeError as error:
            if not isinstance(error, (RefusedError, GoneError)):
                raise

    async def comment(self, repository: str, pull: Json, said: str, *, once: str, by: str) -> None:
        """Say something, unless we said it already."""
        path, sign = f"/repos/{repository}/issues/{number_of(pull)}/comments", sign_of(once)
        async for comment in self._api.pages(path):
            # Anybody can write the sign; ours counts.
            if sign in text(comment, "body") and _is(comment, by):
                return
        await self._api.change("POST", path, {"body": f"{said}\n\n{sign}"})

    async def report(self, repository: str, head: str, check: Check) -> bool:
        """Show a check at a commit; False where the token may not do that there."""
        said = {
            "state": STATUS_OF[check.state],
            "context": check.name,
            "description": check.summary[:DESCRIPTION_LIMIT],
            **({"target_url": check.url} if check.url else {}),
        }
        try:
            await self._api.change("POST", f"/repos/{repository}/statuses/{head}", said)
        except (RefusedError, GoneError):
            return False
        return True

    async def checks(self, repository: str, head: str) -> Sequence[Check]:
        """Return the checks of a commit, of both kinds that there are."""
        path = f"/repos/{repository}/commits/{head}"
        runs = [run async for run in self._api.pages(f"{path}/check-runs")]
        statuses = [status async for status in self._api.pages(f"{path}/statuses")]
        return checks_of_statuses(statuses) + checks_of_runs(runs)

    async def merge(self, repository: str, pull: Json, head: str) -> None:
        """Merge a commit, if it is still what the pull request offers and may be merged."""
        path = f"/repos/{repository}/pulls/{number_of(pull)}/merge"
        try:
            await self._api.change("PUT", path, {"sha": head, "merge_method": self._method})
        except RefusedError as error:
            # 405: it cannot be merged now; 409: its branch is another one by now.
            if error.status not in {405, 409}:
                raise

    async def close(self, repository: str, pull: Json) -> None:
        """Close a pull request."""
        path = f"/repos/{repository}/pulls/{number_of(pull)}"
        await self._api.change("PATCH", path, {"state": "closed"})


def number_of(pull: Json) -> int:
    """Return the number of a pull request. Raises ForgeError where there is none."""
    found = field(pull, "number")
    if not isinstance(found, int):
        raise ForgeError(
            "GitHub speaks of a pull request without a number",
            hint="Check the address of its interface.",
        )
    return found


def _owner(pull: Json) -> str:
    return text(pull, "head", "user", "login").lower()


def _is(comment: Json, login: str) -> bool:
    return text(comment, "user", "login").lower() == login.lower()
