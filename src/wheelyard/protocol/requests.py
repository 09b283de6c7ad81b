"""What can be asked of a farm, as it is written in a request: JSON, and the same wish is the same text.

Who asks, how urgent it is and who is told are no part of it, so that two who ask for the same share one
request.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from wheelyard.errors import ConfigurationError
from wheelyard.model.job import Limits
from wheelyard.model.resolution import FromSource, Prereleases
from wheelyard.targets.interpreter import ANY

_HINT = "docs/reference/http-api.md says what a request is made of."
_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelsWanted:
    """Wheels of requirements, and of all that these need.

    ``requirements`` and constraints are PEP 508 lines, ``targets`` written as ``cp312-manylinux_2_28_aarch64``. ``exclude_newer``
    and ``before`` are moments (RFC 3339). ``needs`` are facts that builders must have beside those that
    the targets ask for. ``fall_back``: what cannot be built across is built under an emulator.
    """

    requirements: tuple[str, ...]
    targets: tuple[str, ...]
    constraints: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    build_constraints: tuple[str, ...] = ()
    from_source: FromSource = FromSource.ALL
    exclude_newer: str = ""
    before: str = ""
    prereleases: Prereleases = Prereleases.IF_NECESSARY
    check_reproducible: bool = False
    rebuild: bool = False
    fall_back: bool = False
    limits: Limits = field(default_factory=Limits)
    needs: Mapping[str, object] = field(default_factory=dict)


def encode_wanted(wanted: WheelsWanted) -> bytes:
    """Write down what is asked for; the same wish gives the same bytes."""
    return msgspec.json.encode(wanted, order="sorted")


def decode_wanted(text: bytes) -> WheelsWanted:
    """Read what is asked for. Raises ConfigurationError."""
    try:
        wanted = msgspec.json.decode(text, type=WheelsWanted)
    except (msgspec.MsgspecError, ValueError) as error:
        raise ConfigurationError(f"the request cannot be read: {error}", hint=_HINT) from error
    for name in ("requirements", "targets"):
        if not getattr(wanted, name):
            raise ConfigurationError(f"the request names no {name}", hint=_HINT)
    for target in wanted.targets:
        if target.partition("-")[0] == str(ANY):
            raise ConfigurationError(
                f"{target!r} names no Python that wheels are built for",
                hint="Write one, as in cp312-manylinux_2_28_x86_64.",
            )
    return wanted


def digest_of_wanted(text: bytes) -> str:
    """Name what is asked for. Raises ConfigurationError."""
    return f"sha256:{hashlib.sha256(encode_wanted(decode_wanted(text))).hexdigest()}"


def summary_of_wanted(wanted: WheelsWanted) -> str:
    """Say in a line what is asked for."""
    return f"{_some(wanted.requirements)} for {_some(wanted.targets)}"


def _some(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"
