"""What a campaign writes into the event log, beside the actions of the farm."""

from enum import StrEnum


class CampaignAction(StrEnum):
    """What happened to a campaign: the names of ``docs/reference/event-log.md``."""

    STARTED = "campaign.started"
    TURNED = "campaign.turned"
    MODE = "campaign.mode"
