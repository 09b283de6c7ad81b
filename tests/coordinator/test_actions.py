"""The event log says what its page says that it can."""

import re
from pathlib import Path

from wheelyard.campaigns.actions import CampaignAction
from wheelyard.coordinator.farm.actions import Action

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "event-log.md"
SOURCES = Path(__file__).resolve().parents[2] / "src" / "wheelyard"


def test_every_action_is_on_its_page_and_no_other() -> None:
    listed = re.findall(r"^\| `([a-z]+\.[a-z]+)` ", PAGE.read_text(), re.MULTILINE)
    assert sorted(listed) == sorted([*Action, *CampaignAction])


def test_every_action_is_written_somewhere() -> None:
    text = "".join(path.read_text() for path in SOURCES.rglob("*.py"))
    assert [
        action
        for action in (*Action, *CampaignAction)
        if f"{type(action).__name__}.{action.name}" not in text
    ] == []
