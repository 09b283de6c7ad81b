"""Messages by apprise: ``mailto://…``, ``json://…``, ``slack://…`` and whatever else it knows.

It is imported when the first message is sent: most farms send few, and it is large. It works in a
thread, so that a slow server keeps nobody else from anything.
"""

import asyncio
import logging
import re
from urllib.parse import quote

from wheelyard.errors import NotifyError

_SECONDS = 60.0
_PLAIN_MAIL = re.compile(r"mailto:([^/?][^?]*)")


class AppriseNotifier:
    """The ``Notifier`` of a farm. ``mail_server`` is the apprise address by which ``mailto:ANN@EXAMPLE`` goes out.

    For example ``mailto://localhost:25?from=farm@example.org``; without it only whole addresses can be told.
    """

    def __init__(self, *, mail_server: str = "") -> None:
        self._mail_server = mail_server

    async def send(self, address: str, subject: str, body: str) -> None:
        """Deliver one message. Raises NotifyError, which says of an address no more than its kind."""
        whole = self._whole(address)
        try:
            async with asyncio.timeout(_SECONDS):
                reason = await asyncio.to_thread(_deliver, whole, subject, body)
        except TimeoutError as error:
            raise NotifyError(
                f"it was not delivered within {_SECONDS:.0f} s", hint="It is tried again later."
            ) from error
        if reason:
            raise NotifyError(
                reason, hint="Look at the address, its password, and whether the server answers."
            )

    def _whole(self, address: str) -> str:
        plain = _PLAIN_MAIL.fullmatch(address)
        if plain is None:
            return address
        if "@" not in plain[1]:
            raise NotifyError(
                f"{plain[1]!r} is not a mail address", hint="Write mailto:ANN@EXAMPLE.ORG."
            )
        if not self._mail_server:
            raise NotifyError(
                f"{address!r} needs a mail server, and this farm has none",
                hint="Set [farm] mail-server in wheelyard.toml, for example "
                '"mailto://localhost:25?from=farm@example.org".',
            )
        joint = "&" if "?" in self._mail_server else "?"
        return f"{self._mail_server}{joint}to={quote(plain[1], safe='@')}"


def _deliver(address: str, subject: str, body: str) -> str:
    """Return why a message was not delivered, or nothing."""
    import apprise

    # It logs addresses as they are, passwords and all; what went wrong is told by us.
    logging.getLogger("apprise").setLevel(logging.CRITICAL)
    kind = address.partition(":")[0]
    place = apprise.Apprise()
    if not place.add(address):
        return f"{kind!r} is no kind of address that messages can be sent to, or it is incomplete"
    delivered = place.notify(title=subject, body=body, body_format=apprise.NotifyFormat.TEXT)
    return "" if delivered else f"the server behind {kind!r} did not take the message"
