"""From the words of a command line to what a campaign is to do."""

import getpass
from dataclasses import dataclass
from pathlib import Path

from wheelyard.campaigns.planning import Intention
from wheelyard.cli import campaign_options as c
from wheelyard.errors import ConfigurationError
from wheelyard.migrate.priority import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to change, and where: the options that ``migrate plan`` and ``migrate start`` share."""

    name: c.Name
    feedstocks: c.Feedstocks = None
    wheels: c.Wheels = False
    pins: c.Pins = None
    rule: c.RuleOption = "rebuild"
    package: c.Packages = None
    port: c.Ports = None
    exclude: c.Exclude = None
    platform: c.Platforms = None
    first: c.First = 5
    most: c.Most = 50


def intention(wish: Wish) -> Intention:
    """Read what is wanted, as whoever runs this. Raises ConfigurationError."""
    return Intention(
        name=wish.name,
        owner=_owner(),
        rule=wish.rule,
        pins=_text(wish.pins),
        packages=tuple(wish.package or ()),
        ports=tuple(wish.port or ()),
        exclude=tuple(wish.exclude or ()),
        platforms=tuple(wish.platform or ()),
        limits=Limits(first=wish.first, most=max(wish.first, wish.most)),
    )


def _owner() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"


def _text(pins: Path | None) -> str:
    if pins is None:
        return ""
    try:
        return pins.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{str(pins)!r} cannot be read: {error}", hint="Name a YAML file with --pins."
        ) from error
