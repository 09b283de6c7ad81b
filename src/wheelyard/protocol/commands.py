"""A command on a git tree as it is asked of a farm: JSON, and the same wish is the same text."""

import hashlib
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import msgspec

from wheelyard.errors import ConfigurationError
from wheelyard.model.command import CommandRequest
from wheelyard.model.job import Limits
from wheelyard.plan.command_wanted import check_asked

_SCHEMES = frozenset({"file", "https", "ssh"})
_SHOWN = 80
_HINT = "docs/reference/http-api.md says what a request is made of."


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandWanted(CommandRequest):
    """What is asked for, and how it is built. ``repository`` is a URL that any machine reads.

    ``channel``: the conda packages among its files are to enter the farm's channel.
    """

    check_reproducible: bool = False
    rebuild: bool = False
    channel: bool = False
    limits: Limits = field(default_factory=Limits)


def encode_command(wanted: CommandWanted) -> bytes:
    """Write down what is asked for; the same wish gives the same bytes."""
    return msgspec.json.encode(wanted, order="sorted")


def decode_command(text: bytes) -> CommandWanted:
    """Read what is asked for. Raises ConfigurationError and InvalidNameError.

    What only the repository's own job file makes whole or wrong is seen when it is planned.
    """
    try:
        wanted = msgspec.json.decode(text, type=CommandWanted)
    except (msgspec.MsgspecError, ValueError) as error:
        raise ConfigurationError(f"the request cannot be read: {error}", hint=_HINT) from error
    _check_address(wanted.repository)
    check_asked(wanted)
    return wanted


def digest_of_command(wanted: CommandWanted) -> str:
    """Name what is asked for."""
    return f"sha256:{hashlib.sha256(encode_command(wanted)).hexdigest()}"


def summary_of_command(wanted: CommandWanted) -> str:
    """Say in a line what is asked for."""
    options = ", ".join(f"{name}={value}" for name, value in wanted.options)
    chosen = f" with {options}" if options else ""
    return f"{wanted.repository} at {wanted.revision or 'its newest revision'}{chosen}"


def _check_address(repository: str) -> None:
    """Raise ConfigurationError for what is no URL, and for one with a secret, which all would read."""
    try:
        parts = urlsplit(repository)
        secret = parts.password or parts.query
    except ValueError:
        parts, secret = urlsplit(""), ""
    # Of spaces and the like, some who read addresses make nothing, and others something.
    plain = repository.isprintable() and " " not in repository
    if not plain or parts.scheme not in _SCHEMES or f"{parts.scheme}://" not in repository.lower():
        raise ConfigurationError(
            f"{_shown(repository)!r} is no address of a repository",
            hint="Give a URL: https://…, ssh://… or file://….",
        )
    if secret or (parts.username and parts.scheme != "ssh"):
        raise ConfigurationError(
            f"the address of the repository on {parts.hostname!r} has credentials in it",
            hint="Requests are read by all who use the farm; let the farm's own netrc file hold them.",
        )


def _shown(repository: str) -> str:
    """Leave out where secrets are."""
    return repository.rpartition("@")[2].partition("?")[0][:_SHOWN]
