"""What campaigns write into a farm's event log (``docs/reference/event-log.md``)."""

from enum import StrEnum


class CampaignAction(StrEnum):
    """The ``action`` of a happening. Names are for good: people's filters are written with them."""

    STARTED = "campaign.started"
    TURNED = "campaign.turned"
    MODE = "campaign.mode"
    DECIDED = "campaign.decided"
    JOINED = "campaign.joined"
    LEFT = "campaign.left"
