"""One recipe changed and offered: the edit, its trial, the proposal.

A proposal is named by campaign, repository and round, and the forge makes it once, so that whoever dies between
offering and recording finds it again.
"""

from dataclasses import dataclass, replace

from wheelyard.campaign_ports import Builds, BuildState, BuildWish, Campaign, Member
from wheelyard.campaigns.feedstocks import edits_between
from wheelyard.campaigns.looking import TRIAL, Looked
from wheelyard.campaigns.rules import Rule
from wheelyard.errors import BusyError, NothingToProposeError, WheelyardError
from wheelyard.forge_ports import Forge
from wheelyard.migrate.automerge import merges_itself
from wheelyard.migrate.carrying import carry
from wheelyard.migrate.feedstock import Feedstock
from wheelyard.migrate.states import Offered
from wheelyard.model.proposal import (
    Check,
    CheckState,
    Draft,
    FileEdit,
    Proposal,
    ProposalState,
)

_AUTOMERGE = "automerge"
_TRIED = "its trial build runs; people are asked when it passed"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    files: tuple[FileEdit, ...]
    remarks: tuple[str, ...]


class Offering:
    """Offers changes."""

    def __init__(self, *, forge: Forge, builds: Builds | None) -> None:
        self._forge = forge
        self._builds = builds

    async def offer(self, campaign: Campaign, rule: Rule, looked: Looked, said: str) -> Member:
        """Offer a member's change; return how it stands then. Raises BusyError.

        ``said`` is what people read below the title.
        """
        member = looked.member
        if looked.feedstock is None:
            return member
        try:
            change = _change(rule, looked.feedstock)
            if campaign.trial and self._builds is not None:
                member, passed = await self._tried(self._builds, campaign, looked, change.files)
                if not passed:
                    return member
            automerge = merges_itself(campaign.automerge, looked.feedstock, rule.change)
            draft = _draft(campaign, rule, looked, change, said)
            if automerge:
                draft = replace(draft, auto_merge=True, labels=(*draft.labels, _AUTOMERGE))
            proposal = await self._forge.propose(draft)
            await self._tell(draft, looked, proposal, tried=bool(member.trial))
            return _offered(member, proposal, looked.commit)
        except NothingToProposeError:
            return replace(member, evidence=replace(member.evidence, migrated=True))
        except BusyError:
            raise
        except WheelyardError as error:
            return _failed(member, f"{error.message}. {error.hint}".strip())

    async def ahead(self, campaign: Campaign, rule: Rule, looked: Looked) -> Member:
        """Try a change with what the trials of its parents left; nobody is asked, whatever comes of it.

        Where it fails, that may be for something that its parents get before they are merged: it is tried
        again when they are published. Raises BusyError.
        """
        member = looked.member
        if looked.feedstock is None or self._builds is None:
            return member
        try:
            change = _change(rule, looked.feedstock)
            tried, _ = await self._tried(self._builds, campaign, looked, change.files)
        except BusyError:
            raise
        except WheelyardError as error:
            return replace(member, ahead=f"{error.message}. {error.hint}".strip())
        bad = tried.evidence.failed or tried.evidence.not_solvable
        if bad:
            return replace(member, trial="", ahead=bad)
        return replace(tried, reason=member.reason)

    async def _tell(self, draft: Draft, looked: Looked, proposal: Proposal, *, tried: bool) -> None:
        """Show at a proposal that its trial passed, and that it was made again where it conflicted."""
        if not proposal.state.is_open:
            return
        if tried:
            summary = "the change was built before it was offered"
            await self._forge.report(
                draft.name, Check(name=TRIAL, state=CheckState.PASSED, summary=summary)
            )
        if looked.conflict:
            text = f"It conflicted with what came in, and was made again on {draft.base[:12]}."
            await self._forge.comment(draft.name, text, once=f"remade {draft.base}")

    async def _tried(
        self, builds: Builds, campaign: Campaign, looked: Looked, files: tuple[FileEdit, ...]
    ) -> tuple[Member, bool]:
        """Build a change before anybody is asked; True where it passed."""
        member = looked.member
        # Asked once: the same wish after its end would be another request, which is built again.
        trial = member.trial or await builds.ask(
            BuildWish(
                campaign=campaign.name,
                package=member.package,
                repository=member.repository,
                commit=looked.commit,
                files=files,
            )
        )
        answer = await builds.answer(trial)
        member = replace(member, trial=trial, reason="")
        match answer.state:
            case BuildState.WAITING:
                return replace(member, reason=_TRIED), False
            case BuildState.BUILT:
                if not member.staged:
                    await builds.stage(campaign.name, trial)
                return replace(member, staged=True), True
            case BuildState.FAILED:
                return _failed(member, f"its trial build failed: {answer.reason}"), False
            case BuildState.NOT_SOLVABLE:
                known = replace(member.evidence, not_solvable=answer.reason or "it has no solution")
                return replace(member, evidence=known), False


def _change(rule: Rule, feedstock: Feedstock) -> _Change:
    carried = carry(feedstock, [rule.migrator])
    edited = carried.feedstock
    return _Change(files=edits_between(feedstock, edited), remarks=edited.remarks)


def _draft(campaign: Campaign, rule: Rule, looked: Looked, change: _Change, said: str) -> Draft:
    member = looked.member
    remarks = "".join(f"\n- {remark}" for remark in change.remarks)
    return Draft(
        repository=member.repository,
        key=campaign.name,
        base=looked.commit,
        files=change.files,
        title=rule.title,
        body=f"{said}\n{remarks}".rstrip(),
        labels=(campaign.name,),
        date=int(campaign.created.timestamp()),
        round=member.round,
    )


def _offered(member: Member, proposal: Proposal, base: str) -> Member:
    offered = {
        ProposalState.MERGED: Offered.MERGED,
        ProposalState.CLOSED: Offered.CLOSED,
    }.get(proposal.state, Offered.OPEN)
    return replace(
        member,
        evidence=replace(member.evidence, offered=offered, failed=""),
        url=proposal.url or proposal.name.branch,
        base=base,
        reason="",
    )


def _failed(member: Member, reason: str) -> Member:
    return replace(member, evidence=replace(member.evidence, failed=reason))
