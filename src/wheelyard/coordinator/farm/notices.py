"""Tells people of the ends of their requests: once, and again only where it failed."""

import asyncio
import logging

from wheelyard.coordinator.farm.actions import Action
from wheelyard.coordinator.farm.ports import FarmPorts
from wheelyard.coordinator.farm.rules import FarmRules
from wheelyard.errors import NotifyError
from wheelyard.jobs.retry import BackOff
from wheelyard.model.request import Notice

_LOG = logging.getLogger(__name__)
_BACK_OFF = BackOff(first=30, factor=2, longest=3600)
_TRIES = 30
"""After about a day nobody expects the message any more."""


class Notices:
    """Sends what is due."""

    def __init__(self, *, ports: FarmPorts, rules: FarmRules) -> None:
        self._ports = ports
        self._rules = rules

    async def run(self) -> None:
        """Send again and again."""
        while True:
            await self.round()
            await asyncio.sleep(self._rules.notices)

    async def round(self) -> int:
        """Send all notices that are due, and return how many there were."""
        due = await self._ports.requests.due_notices()
        for notice in due:
            await self._send(notice)
        return len(due)

    async def _send(self, notice: Notice) -> None:
        try:
            await self._ports.notifier.send(notice.address, notice.subject, notice.body)
        except NotifyError as error:
            await self._failed(notice, error.message)
            return
        await self._ports.requests.notice_sent(notice.id)
        await self._ports.events.write(Action.NOTICE_SENT, notice.request, notice=notice.id)

    async def _failed(self, notice: Notice, reason: str) -> None:
        tries = notice.tries + 1
        _LOG.warning("notice %s of request %s failed: %s", notice.id, notice.request, reason)
        await self._ports.events.write(
            Action.NOTICE_FAILED, notice.request, notice=notice.id, tries=tries, reason=reason[:300]
        )
        if tries >= _TRIES:
            await self._ports.requests.notice_sent(notice.id)
            return
        await self._ports.requests.notice_failed(
            notice.id, again_in=_BACK_OFF.seconds(tries), reason=reason
        )
