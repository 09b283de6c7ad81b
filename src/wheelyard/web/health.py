"""Whether the farm works, for whoever watches over it: no token, and no word about what is in it."""

from collections.abc import Sequence

import msgspec
from starlette.responses import Response

from wheelyard.errors import StoreError
from wheelyard.farm_ports import BuilderStore
from wheelyard.web.access import ANYBODY
from wheelyard.web.endpoint import Call, Endpoint, answered
from wheelyard.web.ports import WebPorts


class HealthView(msgspec.Struct, kw_only=True):
    """``ok``, or ``database`` where that is away."""

    status: str


class Checkup:
    """Looks whether the database answers."""

    def __init__(self, builders: BuilderStore) -> None:
        self._builders = builders

    async def look(self, _: Call) -> Response:
        """Answer 200 where it does, 503 where it does not."""
        try:
            await self._builders.get("")
        except StoreError:
            return answered(HealthView(status="database"), 503)
        return answered(HealthView(status="ok"))


def endpoints(ports: WebPorts) -> Sequence[Endpoint]:
    """Return where it is asked."""
    return (
        Endpoint(
            method="GET",
            path="/healthz",
            allowed=ANYBODY,
            answer=Checkup(ports.builders).look,
            says="Whether the farm works: 200, or 503 where its database is away.",
            gives=HealthView,
        ),
    )
