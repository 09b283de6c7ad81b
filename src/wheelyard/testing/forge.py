"""A forge in memory, with what people do there: merge, close, push, change things by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from wheelyard.errors import GoneError, NothingToProposeError, WheelyardError
from wheelyard.model.proposal import (
    Check,
    Draft,
    Landing,
    Proposal,
    ProposalName,
    ProposalState,
    Tree,
    check_draft,
)
from wheelyard.testing.histories import Commit, History, differences, has, patched

MERGED_BY = "maintainer"


@dataclass(slots=True, kw_only=True)
class _Offered:
    """A proposal as the forge keeps it."""

    draft: Draft
    number: int
    head: str
    closed: bool = False
    checks: dict[str, Check] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)


class MemoryForge:
    """The ``Forge`` port in memory.

    What people do is below the port's methods. ``calls`` counts what was asked; errors in ``faults`` are
    raised by the next calls, one each.
    """

    def __init__(self, repositories: Mapping[str, Mapping[str, bytes]] | None = None) -> None:
        self.faults: list[WheelyardError] = []
        self.calls: list[str] = []
        self._histories: dict[str, History] = {}
        self._offered: dict[ProposalName, _Offered] = {}
        for name, files in (repositories or {}).items():
            self.create(name, files)

    async def repositories(self) -> Sequence[str]:
        """Return the repositories."""
        self._called("repositories")
        return tuple(sorted(self._histories))

    async def tip(self, repository: str, *, branch: str = "") -> str:
        """Return the newest commit of a branch."""
        self._called("tip")
        return self._history(repository).tip(branch).id

    async def look(
        self, repository: str, patterns: Sequence[str], *, branch: str = "", commit: str = ""
    ) -> Tree:
        """Return files that match a pattern."""
        self._called("look")
        history = self._history(repository)
        found = history.at(commit) if commit else history.tip(branch)
        return Tree(
            repository=repository,
            commit=found.id,
            branch=branch or history.default,
            files=tuple(
                (path, content)
                for path, content in sorted(found.files.items())
                if any(fnmatchcase(path, pattern) for pattern in patterns)
            ),
        )

    async def propose(self, draft: Draft) -> Proposal:
        """Offer a change."""
        self._called("propose")
        check_draft(draft)
        history = self._history(draft.repository)
        offered = self._offered.get(draft.name)
        if offered is not None and (not self._state(offered).is_open or self._is_foreign(offered)):
            return self._said(offered)
        base = history.at(draft.base)
        files = patched(base.files, {edit.path: edit.content for edit in draft.files})
        if files == base.files:
            raise NothingToProposeError(
                f"{draft.repository} has all that {draft.key!r} offers", hint="Leave it out."
            )
        made = history.commit(
            draft.branch,
            files,
            title=draft.title,
            author=draft.author.name,
            parents=(base.id,),
        )
        if offered is None:
            number = 1 + sum(name.repository == draft.repository for name in self._offered)
            offered = _Offered(draft=draft, number=number, head=made.id)
            self._offered[draft.name] = offered
        elif offered.head != made.id:
            offered.checks.clear()
        offered.draft, offered.head = draft, made.id
        return self._said(offered)

    async def proposal(self, name: ProposalName) -> Proposal | None:
        """Return how a proposal stands."""
        self._called("proposal")
        self._history(name.repository)
        offered = self._offered.get(name)
        return self._said(offered) if offered else None

    async def proposals(self, repository: str) -> Sequence[Proposal]:
        """Return the open proposals of a repository."""
        self._called("proposals")
        self._history(repository)
        said = [
            replace(self._said(offered), checks=())
            for name, offered in self._offered.items()
            if name.repository == repository
        ]
        return sorted(
            (one for one in said if one.state.is_open),
            key=lambda one: (one.name.key, one.name.round),
        )

    async def comment(self, name: ProposalName, text: str, *, once: str) -> None:
        """Say something below a proposal, once."""
        self._called("comment")
        self._of(name).comments.setdefault(once, text)

    async def report(self, name: ProposalName, check: Check) -> None:
        """Show the result of a check."""
        self._called("report")
        self._of(name).checks[check.name] = check

    async def merge(self, name: ProposalName) -> Proposal:
        """Merge a proposal that is open and does not conflict."""
        self._called("merge")
        offered = self._of(name)
        if self._state(offered) is ProposalState.OPEN:
            self._merge(offered, author=offered.draft.author.name)
        return self._said(offered)

    async def close(self, name: ProposalName, why: str) -> Proposal:
        """Withdraw a proposal."""
        self._called("close")
        offered = self._of(name)
        if self._state(offered).is_open:
            offered.comments["closed"] = why
            offered.closed = True
        return self._said(offered)

    async def landed(self, repository: str, since: str, *, branch: str = "") -> Sequence[Landing]:
        """Return what came to a branch after a commit."""
        self._called("landed")
        history = self._history(repository)
        history.at(since)
        found: list[Landing] = []
        for commit in history.line(history.tip(branch).id):
            if commit.id == since:
                return tuple(reversed(found))
            found.append(self._landing(repository, commit))
        return tuple(reversed(found))

    def create(self, repository: str, files: Mapping[str, bytes]) -> str:
        """Make a repository with one commit, and return that."""
        history = History(name=repository)
        self._histories[repository] = history
        return history.commit(history.default, files, title="Begin").id

    def remove(self, repository: str) -> None:
        """Take a repository away."""
        del self._histories[repository]

    def change(self, repository: str, files: Mapping[str, bytes | None], title: str) -> str:
        """Commit to the default branch by hand."""
        history = self._history(repository)
        tip = history.tip("")
        return history.commit(history.default, patched(tip.files, files), title=title).id

    def merge_by_hand(self, name: ProposalName, *, squash: bool = False) -> None:
        """Merge a proposal as people do."""
        self._merge(self._of(name), author=MERGED_BY, squash=squash)

    def reject(self, name: ProposalName) -> None:
        """Close a proposal without merging it, as people do."""
        self._of(name).closed = True

    def push(self, name: ProposalName, files: Mapping[str, bytes | None]) -> None:
        """Push another commit to the branch of a proposal, as people do."""
        history = self._history(name.repository)
        tip = history.tip(name.branch)
        history.commit(name.branch, patched(tip.files, files), title="Mend it")

    def comments(self, name: ProposalName) -> Sequence[str]:
        """Return what was said below a proposal."""
        return tuple(self._of(name).comments.values())

    def _called(self, method: str) -> None:
        self.calls.append(method)
        if self.faults:
            raise self.faults.pop(0)

    def _history(self, repository: str) -> History:
        if repository not in self._histories:
            raise GoneError(f"There is no repository {repository!r}", hint="Check its address.")
        return self._histories[repository]

    def _of(self, name: ProposalName) -> _Offered:
        self._history(name.repository)
        if name not in self._offered:
            raise GoneError(
                f"{name.repository} has no proposal {name.key!r}", hint="Offer it first."
            )
        return self._offered[name]

    def _is_foreign(self, offered: _Offered) -> bool:
        history = self._history(offered.draft.repository)
        return history.tip(offered.draft.branch).id != offered.head

    def _changes(self, offered: _Offered) -> Mapping[str, bytes | None]:
        history = self._history(offered.draft.repository)
        return differences(
            history.at(offered.draft.base).files, history.tip(offered.draft.branch).files
        )

    def _merge(self, offered: _Offered, *, author: str, squash: bool = False) -> None:
        history = self._history(offered.draft.repository)
        branch = offered.draft.onto or history.default
        tip = history.tip(branch)
        head = history.tip(offered.draft.branch).id
        history.commit(
            branch,
            patched(tip.files, self._changes(offered)),
            title=f"Merge {offered.draft.title}",
            author=author,
            parents=(tip.id,) if squash else (tip.id, head),
        )

    def _merged_as(self, offered: _Offered) -> Commit | None:
        """Return the commit with which a proposal came to its branch, by ancestry or by content."""
        history = self._history(offered.draft.repository)
        head = history.tip(offered.draft.branch).id
        changes, found = self._changes(offered), None
        for commit in history.line(history.tip(offered.draft.onto).id):
            if history.reaches(offered.draft.base, commit.id):
                break
            if history.reaches(commit.id, head) or has(commit.files, changes):
                found = commit
        return found

    def _state(self, offered: _Offered) -> ProposalState:
        if self._merged_as(offered):
            return ProposalState.MERGED
        if offered.closed:
            return ProposalState.CLOSED
        history = self._history(offered.draft.repository)
        there = differences(
            history.at(offered.draft.base).files, history.tip(offered.draft.onto).files
        )
        mine = self._changes(offered)
        clash = any(path in there and there[path] != mine[path] for path in mine)
        return ProposalState.CONFLICT if clash else ProposalState.OPEN

    def _said(self, offered: _Offered) -> Proposal:
        state, merged = self._state(offered), self._merged_as(offered)
        history = self._history(offered.draft.repository)
        return Proposal(
            name=offered.draft.name,
            state=state,
            head=history.tip(offered.draft.branch).id,
            base=offered.draft.base,
            number=f"#{offered.number}",
            title=offered.draft.title,
            labels=offered.draft.labels,
            checks=tuple(offered.checks.values()),
            merged_as=merged.id if merged else "",
            by=merged.author if merged else "",
            foreign=self._is_foreign(offered),
        )

    def _landing(self, repository: str, commit: Commit) -> Landing:
        mine = (
            name
            for name, offered in self._offered.items()
            if name.repository == repository and self._merged_as(offered) == commit
        )
        return Landing(
            commit=commit.id,
            title=commit.title,
            author=commit.author,
            proposal=next(mine, None),
        )
