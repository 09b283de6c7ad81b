"""What the tests ask a farm for."""

from collections.abc import Mapping
from dataclasses import dataclass

from plan.world import PLATFORM
from wheelyard.model.request import Kind
from wheelyard.protocol.requests import WheelsWanted, encode_wanted


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What somebody asks for."""

    asked: bytes
    owner: str = "ann"
    priority: int = 0
    notify: tuple[str, ...] = ()
    kind: Kind = Kind.WHEELS


def wheels(
    *names: str,
    pythons: tuple[str, ...] = ("cp311",),
    owner: str = "ann",
    priority: int = 0,
    notify: tuple[str, ...] = (),
    needs: Mapping[str, object] | None = None,
    rebuild: bool = False,
) -> Asked:
    wanted = WheelsWanted(
        requirements=names,
        targets=tuple(f"{python}-{PLATFORM}" for python in pythons),
        needs=needs or {},
        rebuild=rebuild,
    )
    return Asked(asked=encode_wanted(wanted), owner=owner, priority=priority, notify=notify)
