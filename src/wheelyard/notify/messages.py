"""Messages by apprise: ``mailto://…``, ``json://…``, ``slack://…`` and whatever else it knows."""

import re

from wheelyard.errors import NotifyError
from wheelyard.model.secrets import without_secrets

_PLAIN_MAIL = re.compile(r"mailto:([^/?][^?]*)")


class AppriseNotifier:
    """The ``Notifier`` of a farm. ``mail_server`` is the apprise address by which ``mailto:ANN@EXAMPLE`` goes out.

    For example ``mailto://localhost:25?from=farm@example.org``; without it only whole addresses can be told.
    """

    def __init__(self, *, mail_server: str = "") -> None:
        self._mail_server = mail_server

    async def send(self, address: str, subject: str, body: str) -> None:
        """Deliver one message. Raises NotifyError where that failed."""
        # Not needed by whoever sends nothing, and slow to import.
        from apprise import Apprise

        whole = self._whole(address)
        sender = Apprise()
        if not sender.add(whole):
            raise NotifyError(
                f"{without_secrets(address)!r} is no address that messages can be sent to",
                hint="Write mailto:ANN@EXAMPLE.ORG, or an address as apprise has them.",
            )
        if not await sender.async_notify(title=subject, body=body):
            raise NotifyError(
                f"{without_secrets(address)!r} did not take the message",
                hint="Look at the address, its password, and whether the server answers.",
            )

    def _whole(self, address: str) -> str:
        plain = _PLAIN_MAIL.fullmatch(address)
        if plain is None:
            return address
        if not self._mail_server:
            raise NotifyError(
                f"{address!r} needs a mail server, and this farm has none",
                hint="Set [farm] mail-server in wheelyard.toml, for example "
                '"mailto://localhost:25?from=farm@example.org".',
            )
        joint = "&" if "?" in self._mail_server else "?"
        return f"{self._mail_server}{joint}to={plain[1]}"
