"""What waits, in which order, and why."""

from collections.abc import Sequence

from wheelyard.web.endpoint import Call, Parameter
from wheelyard.web.ports import WebPorts
from wheelyard.web.site.page import Page
from wheelyard.web.waiting import QueueView, WaitingRoom


class QueuePage:
    """Shows the queue."""

    def __init__(self, room: WaitingRoom) -> None:
        self._room = room

    async def show(self, call: Call) -> QueueView:
        """Show all pools, or one."""
        return await self._room.view(call)


def pages(ports: WebPorts) -> Sequence[Page]:
    """Return where the queue is shown."""
    room = WaitingRoom(queue=ports.queue, desk=ports.desk, clock=ports.clock, jobs=ports.jobs)
    return (
        Page(
            path="/queue",
            template="queue.html",
            title="Queue",
            show=QueuePage(room).show,
            says="What waits in each pool, in its order, and why.",
            query=(
                Parameter(name="pool", says="Only this pool."),
                Parameter(name="limit", says="So many jobs of each pool.", kind="integer"),
            ),
            follows=("jobs", "builders"),
        ),
    )
