"""What is known of one member: its recipe, its proposal and its build, looked up where they are.

Nothing here trusts our own records where the world can be asked: that is what makes a campaign survive
being killed at any point.
"""

from dataclasses import dataclass, replace

from wheelyard.campaign_ports import (
    BuildAnswer,
    Builds,
    BuildState,
    BuildWish,
    Campaign,
    Member,
    Mode,
)
from wheelyard.campaigns.feedstocks import PATTERNS, feedstock_of, standing_of
from wheelyard.campaigns.rules import Rule
from wheelyard.errors import BusyError, WheelyardError
from wheelyard.forge_ports import Forge
from wheelyard.migrate.automerge import merges_itself
from wheelyard.migrate.feedstock import Feedstock
from wheelyard.migrate.states import Evidence, Offered, State
from wheelyard.model.proposal import CheckState, Proposal, ProposalName, ProposalState

TRIAL = "wheelyard/trial"
"""What the check is called that shows how a trial build ended."""
_OFFERED = {
    ProposalState.OPEN: Offered.OPEN,
    ProposalState.CONFLICT: Offered.OPEN,
    ProposalState.MERGED: Offered.MERGED,
    ProposalState.CLOSED: Offered.CLOSED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A member as it was found; ``feedstock`` is None where its repository cannot be read. ``conflict``: its proposal has one."""

    member: Member
    feedstock: Feedstock | None = None
    commit: str = ""
    conflict: bool = False


class Looking:
    """Looks members up. ``trial_suffices``: a proposal may be merged where its trial is the only check that it has.

    Where others check proposals, theirs appear a while after a proposal does, and count first.
    """

    def __init__(self, *, forge: Forge, builds: Builds | None, trial_suffices: bool = True) -> None:
        self._forge = forge
        self._builds = builds
        self._ours = frozenset() if trial_suffices else frozenset({TRIAL})

    async def is_stale(self, member: Member) -> bool:
        """Whether a member may stand otherwise by now; cheap for those that nobody was asked about yet.

        Who waits for parents was never offered, so that only its repository can tell something new.
        """
        if member.state is not State.AWAITING_PARENTS or not member.seen:
            return True
        try:
            return await self._forge.tip(member.repository) != member.seen
        except WheelyardError:
            return True

    async def look(self, campaign: Campaign, rule: Rule, member: Member) -> Looked:
        """Find out how a member stands. Raises BusyError where the forge wants to be left alone.

        One without a repository is a project of the farm: nobody is asked, it is built again.
        """
        if not member.repository:
            return Looked(member=await self._built(campaign, member, ""))
        try:
            tree = await self._forge.look(member.repository, PATTERNS)
            proposal = await self._forge.proposal(proposal_name(member))
            feedstock = feedstock_of(tree)
            if proposal is not None and self._merges_itself(campaign, rule, feedstock, proposal):
                proposal = await self._forge.merge(proposal.name)
                tree = await self._forge.look(member.repository, PATTERNS)
                feedstock = feedstock_of(tree)
            stands = standing_of(feedstock)
            began = member.began or stands
            done = rule.is_done(feedstock, began=began, stands=stands)
        except BusyError:
            raise
        except WheelyardError as error:
            known = replace(member.evidence, failed=f"{error.message}. {error.hint}".strip())
            return Looked(member=replace(member, evidence=known))
        before = member.evidence
        is_open = proposal is not None and proposal.state.is_open
        if tree.commit != member.seen or is_open:
            before = replace(before, failed="", not_solvable="")
        known = replace(
            before,
            offered=_OFFERED[proposal.state] if proposal else before.offered,
            migrated=done or (proposal is not None and proposal.state is ProposalState.MERGED),
        )
        found = replace(
            member,
            evidence=known,
            url=_address(proposal) or member.url,
            began=began,
            seen=tree.commit,
            trial=member.trial if tree.commit == member.seen else "",
            staged=member.staged and tree.commit == member.seen,
            ahead=member.ahead if tree.commit == member.seen else "",
            build=member.build if tree.commit == member.seen or not before.settled else "",
        )
        return Looked(
            member=await self._built(campaign, found, tree.commit),
            feedstock=feedstock,
            commit=tree.commit,
            conflict=proposal is not None and proposal.state is ProposalState.CONFLICT,
        )

    def _merges_itself(
        self, campaign: Campaign, rule: Rule, feedstock: Feedstock, proposal: Proposal
    ) -> bool:
        """Whether a proposal is to be merged now. What nobody checked, or somebody changed, is left to people."""
        return (
            proposal.state is ProposalState.OPEN
            and proposal.checked is CheckState.PASSED
            and any(check.name not in self._ours for check in proposal.checks)
            and not proposal.foreign
            and campaign.mode is Mode.RUNNING
            and merges_itself(campaign.automerge, feedstock, rule.change)
        )

    async def _built(self, campaign: Campaign, member: Member, commit: str) -> Member:
        """Have what is merged built, and see what became of it."""
        known = member.evidence
        if not known.settled or known.published:
            return member
        if self._builds is None or not campaign.builds:
            return replace(member, evidence=replace(known, published=True, failed=""))
        if not member.build:
            member = replace(member, evidence=replace(known, failed="", not_solvable=""))
            known = member.evidence
        build = member.build or await self._builds.ask(
            BuildWish(
                campaign=campaign.name,
                package=member.package,
                repository=member.repository,
                commit=commit,
            )
        )
        answer = await self._builds.answer(build)
        known = replace(known, published=answer.state is BuildState.BUILT)
        return replace(member, build=build, evidence=_with(known, answer))


def _with(known: Evidence, answer: BuildAnswer) -> Evidence:
    match answer.state:
        case BuildState.WAITING:
            return known
        case BuildState.BUILT:
            return replace(known, failed="", not_solvable="")
        case BuildState.FAILED:
            return replace(known, failed=answer.reason or "its build failed")
        case BuildState.NOT_SOLVABLE:
            return replace(known, not_solvable=answer.reason or "its requirements cannot be met")


def proposal_name(member: Member) -> ProposalName:
    """Return what names the proposal of a member."""
    return ProposalName(repository=member.repository, key=member.campaign, round=member.round)


def _address(proposal: Proposal | None) -> str:
    if proposal is None:
        return ""
    return proposal.url or proposal.name.branch
