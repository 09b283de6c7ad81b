"""Delivers messages through apprise, which knows mail, web hooks and about a hundred chats.

It is imported when the first message is sent: most farms send few, and it is large.
"""

import asyncio
import logging

from wheelyard.errors import NotifyError
from wheelyard.notify.addresses import MailServer, apprise_url

_SECONDS = 60.0


class AppriseNotifier:
    """Carries out ``farm_ports.Notifier``."""

    def __init__(self, *, mail: MailServer | None = None) -> None:
        self._mail = mail

    async def send(self, address: str, subject: str, body: str) -> None:
        """Deliver one message. Raises NotifyError, which says nothing of an address but its kind."""
        url = apprise_url(address, self._mail)
        try:
            async with asyncio.timeout(_SECONDS):
                reason = await asyncio.to_thread(_deliver, url, subject, body)
        except TimeoutError as error:
            raise NotifyError(f"it was not delivered within {_SECONDS:.0f} s") from error
        if reason:
            raise NotifyError(reason)


def _deliver(url: str, subject: str, body: str) -> str:
    """Return why a message was not delivered, or nothing."""
    import apprise

    # It logs what it was given, passwords and all; what goes wrong is told by us.
    logging.getLogger("apprise").setLevel(logging.CRITICAL)
    kind = url.partition(":")[0]
    place = apprise.Apprise()
    if not place.add(url):
        return f"{kind}: is no kind of address that apprise knows, or its address is incomplete"
    delivered = place.notify(title=subject, body=body, body_format=apprise.NotifyFormat.TEXT)
    return "" if delivered else f"the {kind} server did not take it"
