"""A proposal of a git repository as it stands, read from its branch, its record and its remarks."""

from dataclasses import dataclass

from wheelyard.forge.merging import merged_as, merged_tree
from wheelyard.forge.messages import Message, Remarks, read
from wheelyard.forge.refs import Refs
from wheelyard.forge.workshop import Workshop
from wheelyard.model.proposal import Proposal, ProposalName, ProposalState

REMARKS_FILE = "remarks.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known of a proposal in an open workshop.

    ``head`` is where its branch is, or what was offered where the branch is gone.
    """

    shop: Workshop
    refs: Refs
    name: ProposalName
    head: str
    record: str
    base: str
    message: Message

    @property
    def is_foreign(self) -> bool:
        """Whether somebody else pushed to its branch."""
        return bool(self.refs.head(self.name)) and self.head != self.refs.record(self.name)


async def standing_of(shop: Workshop, refs: Refs, name: ProposalName) -> Standing | None:
    """Return what is known of a proposal, with the commits that takes; None: it was never offered."""
    head = refs.head(name) or refs.record(name)
    if not head:
        return None
    record = refs.record(name) or head
    await shop.fetch([head, record, refs.tip("")], history=True)
    shown = (await shop.run("show", "-s", "--format=%P%n%B", record)).text
    parents, _, text = shown.partition("\n")
    return Standing(
        shop=shop,
        refs=refs,
        name=name,
        head=head,
        record=record,
        base=parents.split()[0] if parents else record,
        message=read(text),
    )


async def said(standing: Standing) -> Proposal:
    """Return how a proposal stands."""
    shop, message = standing.shop, standing.message
    tip = standing.refs.tip(message.onto)
    await shop.fetch([tip], history=True)
    merged = await _merged(standing, tip)
    remarks = await remarks_of_proposal(standing)
    return Proposal(
        name=standing.name,
        state=await _state(standing, tip, merged),
        head=standing.head,
        base=standing.base,
        title=message.title,
        labels=message.labels,
        checks=tuple(remarks.checks.values()),
        merged_as=merged,
        by=(await shop.run("show", "-s", "--format=%an", merged)).text if merged else "",
        foreign=standing.is_foreign,
    )


async def remarks_of_proposal(standing: Standing) -> Remarks:
    """Return what was said of a proposal."""
    commit = standing.refs.remarks(standing.name)
    if not commit:
        return Remarks()
    shop = standing.shop
    await shop.fetch([commit], history=True)
    files = dict(await shop.read(await shop.entries(commit, [REMARKS_FILE])))
    return Remarks.load(files.get(REMARKS_FILE, b""))


async def _merged(standing: Standing, tip: str) -> str:
    # Where somebody pushed more, what we had offered may have been merged before that.
    for head in dict.fromkeys((standing.head, standing.record)):
        found = await merged_as(standing.shop, standing.base, head, tip)
        if found:
            return found
    return ""


async def _state(standing: Standing, tip: str, merged: str) -> ProposalState:
    if merged:
        return ProposalState.MERGED
    if not standing.refs.head(standing.name):
        return ProposalState.CLOSED
    # Where nothing came to its branch since, nothing can be in its way.
    clean = tip == standing.base or await merged_tree(standing.shop, tip, standing.head)
    return ProposalState.OPEN if clean else ProposalState.CONFLICT
