"""The end of a campaign: its pins become those of the pin file, by a proposal as every other change."""

from dataclasses import replace
from datetime import datetime

from wheelyard.campaign_ports import Campaign, Mode
from wheelyard.campaigns.feedstocks import PATTERNS, edits_between, feedstock_of
from wheelyard.campaigns.rules import PINS, migration_of, rule_of
from wheelyard.errors import BusyError, NothingToProposeError, WheelyardError
from wheelyard.forge_ports import Forge
from wheelyard.model.proposal import Draft, ProposalState

_MIGRATIONS = "recipe/migrations/*"


class Closing:
    """Closes campaigns."""

    def __init__(self, *, forge: Forge) -> None:
        self._forge = forge

    async def close(self, campaign: Campaign, now: datetime) -> Campaign:
        """Offer the edit of the pin file, or see what became of it; return how the campaign stands then."""
        if campaign.rule != PINS or not campaign.pin_repository:
            return replace(campaign, mode=Mode.CLOSED, closed=now)
        try:
            merged = await self._offered(campaign)
        except BusyError:
            return campaign
        except WheelyardError as error:
            return replace(campaign, mode=Mode.CLOSING, note=f"{error.message}. {error.hint}")
        if merged:
            return replace(campaign, mode=Mode.CLOSED, closed=now, note="")
        return replace(
            campaign, mode=Mode.CLOSING, note="the edit of the pin file waits for people"
        )

    async def _offered(self, campaign: Campaign) -> bool:
        """Offer the edit; True where the pin file has it."""
        tree = await self._forge.look(campaign.pin_repository, (*PATTERNS, _MIGRATIONS))
        feedstock = feedstock_of(tree)
        if f"recipe/migrations/{campaign.name}.yaml" not in feedstock.files:
            return True
        migration = migration_of(campaign)
        edited = rule_of(campaign).migrator.edit(feedstock)
        try:
            proposal = await self._forge.propose(
                Draft(
                    repository=campaign.pin_repository,
                    key=f"{campaign.name}-close",
                    base=tree.commit,
                    files=edits_between(feedstock, edited),
                    title=migration.title(closing=True),
                    body=f"Every package of {campaign.name} is published.",
                    date=int(campaign.created.timestamp()),
                )
            )
        except NothingToProposeError:
            return True
        return proposal.state is ProposalState.MERGED
