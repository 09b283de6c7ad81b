"""Addresses as people write them, and as apprise wants them."""

from dataclasses import dataclass
from urllib.parse import parse_qs, quote, unquote, urlsplit

from wheelyard.errors import ConfigurationError, NotifyError

_MAIL = "mailto"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """The server that takes the farm's mail. ``sender`` stands in its From line."""

    host: str
    sender: str
    port: int = 25
    user: str = ""
    password: str = ""
    secure: str = ""
    """How the connection is encrypted: ``starttls``, ``ssl`` or not at all."""

    @classmethod
    def parse(cls, text: str) -> "MailServer":
        """Read ``smtp://user:password@host:25?from=farm@example.org&secure=starttls``. Raises ConfigurationError."""
        parts = urlsplit(text)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        ports = {"smtp": 25, "smtps": 465}
        if parts.scheme not in ports or not parts.hostname or "@" not in query.get("from", ""):
            raise ConfigurationError(
                "this is not a mail server",
                hint="Write smtp://host:25?from=farm@example.org, with user:password@ before the host where needed.",
            )
        return cls(
            host=parts.hostname,
            port=parts.port or ports[parts.scheme],
            sender=query["from"],
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            secure=query.get("secure", "ssl" if parts.scheme == "smtps" else ""),
        )


def apprise_url(address: str, server: MailServer | None) -> str:
    """Return what apprise understands: ``mailto:ann@example.org`` goes through the farm's mail server.

    Everything else is an apprise URL already. Raises NotifyError.
    """
    scheme, _, rest = address.partition(":")
    if scheme != _MAIL or rest.startswith("//"):
        return address
    if "@" not in rest:
        raise NotifyError(f"{rest!r} is not a mail address")
    if server is None:
        raise NotifyError(
            "this farm has no mail server",
            hint='Set [notify] mail = "smtp://…" where it is served.',
        )
    login = ""
    if server.user:
        login = f"{quote(server.user, safe='')}:{quote(server.password, safe='')}@"
    mode = f"&mode={server.secure}" if server.secure else ""
    kind = "mailtos" if server.secure else _MAIL
    recipient = quote(rest.partition("?")[0], safe="@")
    return (
        f"{kind}://{login}{server.host}:{server.port}/?smtp={server.host}"
        f"&from={quote(server.sender, safe='@')}&to={recipient}&format=text{mode}"
    )
