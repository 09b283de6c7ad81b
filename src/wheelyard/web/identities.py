"""Who tells a farm who people are, beside the tokens that it made itself: a provider of OpenID Connect."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

from wheelyard.errors import ConfigurationError, nearest
from wheelyard.farm_ports import Role

_KEYS = ("issuer", "client", "secret", "role-claim", "roles")
_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})
_PEOPLE = (Role.ADMINISTRATOR, Role.OPERATOR, Role.REQUESTER, Role.READER)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIdSettings:
    """Who tells this farm who people are.

    ``roles`` gives the role of whoever has a value in the claim ``role_claim``; ``default`` is everybody
    else's, None: they may not sign in.
    """

    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    role_claim: str = "groups"
    roles: Mapping[str, Role] = field(default_factory=dict)
    default: Role | None = Role.READER

    @classmethod
    def of(cls, said: Mapping[str, object]) -> Self:
        """Read what an operator wrote. Raises ConfigurationError."""
        texts = {}
        for key, value in said.items():
            if key not in _KEYS or not isinstance(value, str):
                hint = f"The keys are {', '.join(_KEYS)}, each a text."
                hint = hint if key in _KEYS else nearest(key, _KEYS) or hint
                raise ConfigurationError(f"{key!r} says nothing of who people are", hint=hint)
            texts[key] = value
        issuer = texts.get("issuer", "")
        parts = urlsplit(issuer)
        near = parts.scheme == "http" and parts.hostname in _THIS_MACHINE
        if not parts.hostname or (parts.scheme != "https" and not near):
            raise ConfigurationError(
                f"{issuer!r} is no provider of identities",
                hint='Write issuer = "https://HOST/…".',
            )
        if not texts.get("client"):
            raise ConfigurationError(
                "the provider of identities does not know this farm by a name",
                hint='Write client = "…": which client this farm is there.',
            )
        return cls(
            issuer=issuer,
            client_id=texts["client"],
            client_secret=texts.get("secret", ""),
            role_claim=texts.get("role-claim", "groups"),
            roles=parse_roles(texts.get("roles", "")),
        )

    def role_of(self, claims: Mapping[str, Any]) -> Role | None:
        """Return the highest role that some claims give."""
        said = claims.get(self.role_claim, ())
        values = [said] if isinstance(said, str) else said if isinstance(said, list) else ()
        given = {self.roles[one] for one in values if isinstance(one, str) and one in self.roles}
        return next((role for role in _PEOPLE if role in given), self.default)


def parse_roles(text: str) -> Mapping[str, Role]:
    """Read ``ops=operator, admins=administrator``. Raises ConfigurationError."""
    found = {}
    for item in filter(None, map(str.strip, text.split(","))):
        value, _, name = item.rpartition("=")
        if name not in {role.value for role in _PEOPLE} or not value:
            known = ", ".join(role.value for role in _PEOPLE)
            raise ConfigurationError(
                f"{item!r} gives nobody a role", hint=f"Write VALUE=ROLE; the roles are {known}."
            )
        found[value] = Role(name)
    return found
