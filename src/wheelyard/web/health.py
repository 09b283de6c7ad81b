"""Whether the farm works, for whoever watches over it: no token, and no word about what is in it."""

import asyncio
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
    """Looks whether the database answers, once at a time and not for long: who watches asks again."""

    def __init__(self, builders: BuilderStore, *, seconds: float) -> None:
        self._builders = builders
        self._seconds = seconds
        self._looking: asyncio.Task[bool] | None = None

    async def look(self, _: Call) -> Response:
        """Answer 200 where it does, 503 where it does not."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._answers())
        # The stores wait for a server that is away, longer than whoever asks for this.
        done, _pending = await asyncio.wait({self._looking}, timeout=self._seconds)
        if done and self._looking.result():
            return answered(HealthView(status="ok"))
        return answered(HealthView(status="database"), 503)

    async def _answers(self) -> bool:
        try:
            await self._builders.get("")
        except StoreError:
            return False
        return True


def endpoints(ports: WebPorts) -> Sequence[Endpoint]:
    """Return where it is asked."""
    return (
        Endpoint(
            method="GET",
            path="/healthz",
            allowed=ANYBODY,
            answer=Checkup(ports.builders, seconds=ports.times.health).look,
            says="Whether the farm works: 200, or 503 where its database is away.",
            gives=HealthView,
            also=((503, HealthView),),
        ),
    )
