"""A campaign while it is carried out: its members as they are kept, and how the whole stands."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from wheelyard.campaign_ports import Campaign, CampaignName, Link, Member
from wheelyard.migrate.membership import Membership, Rank
from wheelyard.migrate.priority import chosen, ranked
from wheelyard.migrate.progress import Progress
from wheelyard.migrate.states import Evidence, State
from wheelyard.migrate.telling import why

_OPEN = frozenset({State.PROPOSED, State.MERGED})
# Nobody is asked about a project of the farm: it has no recipe.
_OF_PROJECTS: Mapping[State, str] = {
    State.AWAITING_PROPOSAL: "everything below it is there; it is built again next",
    State.MERGED: "it is being built again",
    State.PUBLISHED: "it was built again",
}


class Running:
    """One campaign with its members. What changes here has to be saved by whoever changes it."""

    def __init__(self, campaign: Campaign, members: Iterable[Member]) -> None:
        self.campaign = campaign
        self.members = {member.package: member for member in members}
        self.progress = progress_of(self.members.values())

    def learn(self, member: Member, now: datetime) -> list[Member]:
        """Take how a member stands now; return all whose record is another one."""
        package = member.package
        self.members[package] = member
        changed = {*self.progress.learn(package, member.evidence), package}
        found = []
        for name in sorted(changed):
            state, kept = self.progress.state(name), self.members[name]
            if state is not kept.state:
                kept = replace(kept, state=state, changed=now)
            known = kept.evidence
            kept = replace(kept, reason=known.failed or known.not_solvable or _pending(kept))
            self.members[name] = kept
            found.append(kept)
        return found

    def next(self, now: datetime, within: frozenset[str] = frozenset()) -> list[str]:
        """Return who is to be proposed now, in this order: as many as the limits leave room for."""
        progress, counts = self.progress, self.progress.counts()
        ready = progress.ready - within
        # What is being tried counts as offered, and is looked at again whatever the limits say.
        tried = sorted(one for one in progress.ready if self.members[one].trial)
        order = ranked(
            ready.difference(tried),
            progress.layout,
            lambda package: (now - self.members[package].changed).total_seconds(),
        )
        fresh = chosen(
            order,
            self.campaign.limits,
            opened=sum(counts[state] for state in _OPEN) + len(tried),
            published=counts[State.PUBLISHED],
            failed=counts[State.FAILED],
        )
        return [*(one for one in tried if one in ready), *fresh]

    def ahead(self, among: Iterable[str]) -> list[str]:
        """Return who waits for nothing but parents whose trials passed, and may be tried with what these left."""
        return sorted(name for name in among if self._is_ahead(name))

    def _is_ahead(self, name: str) -> bool:
        member = self.members[name]
        if self.progress.state(name) is not State.AWAITING_PARENTS or member.staged or member.ahead:
            return False
        return all(self.members[one].staged for one in self.progress.missing(name))

    def why(self, package: str) -> str:
        """Say why a member stands where it does."""
        member = self.members[package]
        if member.state is State.AWAITING_PARENTS and (member.ahead or member.staged):
            passed = member.ahead or "it passed"
            return f"{why(self.progress, package)}; its trial with what theirs left: {passed}"
        if member.state is State.AWAITING_PROPOSAL and member.reason:
            return member.reason
        if not member.repository and member.state in _OF_PROJECTS:
            return _OF_PROJECTS[member.state]
        return why(self.progress, package)

    def without(self, package: str) -> tuple["Running", list[Member]]:
        """Return the campaign without a member, and those whose links are others: they wait for what it waited for."""
        gone = self.members[package]
        passed = [replace(link, rank=Rank.RUN) for link in gone.links]
        changed = []
        for member in self.members.values():
            if any(link.parent == package for link in member.links):
                own = [link for link in member.links if link.parent != package]
                known = {link.parent for link in own} | {member.package}
                own += [link for link in passed if link.parent not in known]
                links = tuple(sorted(own, key=lambda link: link.parent))
                changed.append(replace(member, links=links))
        rest = {**self.members, **{one.package: one for one in changed}}
        del rest[package]
        return Running(self.campaign, rest.values()), changed


def _pending(member: Member) -> str:
    """Keep what was said of a trial that goes on."""
    return member.reason if member.trial and member.state is State.AWAITING_PROPOSAL else ""


def progress_of(members: Iterable[Member]) -> Progress:
    """Return how the whole stands, from what is kept."""
    kept = list(members)
    return Progress(membership_of(kept), {one.package: one.evidence for one in kept})


def membership_of(members: Sequence[Member]) -> Membership:
    """Return who waits for whom, from what is kept."""
    names = {member.package for member in members}
    parents = {}
    ranks = {}
    ignored = set()
    for member in members:
        links = [link for link in member.links if link.parent in names]
        parents[member.package] = tuple(link.parent for link in links)
        ranks.update({(link.parent, member.package): link.rank for link in links})
        ignored |= {(link.parent, member.package) for link in links if link.ignored}
    return Membership(parents=parents, ranks=ranks, ignored=frozenset(ignored))


def members_of(
    name: CampaignName,
    found: Membership,
    repositories: dict[str, str],
    evidence: dict[str, Evidence],
    now: datetime,
) -> list[Member]:
    """Return the members of a new campaign, each in its first state."""
    progress = Progress(found, evidence)
    return [
        Member(
            campaign=name,
            package=package,
            repository=repositories.get(package, ""),
            state=progress.state(package),
            changed=now,
            links=links_of(found, package),
            evidence=progress.evidence(package),
        )
        for package in found.parents
    ]


def links_of(found: Membership, package: str) -> tuple[Link, ...]:
    """Return whom a member waits for, as it is kept."""
    return tuple(
        Link(
            parent=parent,
            rank=found.ranks[parent, package],
            ignored=(parent, package) in found.ignored,
        )
        for parent in found.parents[package]
    )
