"""A message of a work queue on JetStream that a reader has."""

from nats.aio.msg import Msg

from wheelyard.bus.nats_link import Link
from wheelyard.bus.subjects import sender_of


class NatsDelivery:
    """A delivery. What is said about it goes over whichever connection there is by then."""

    def __init__(self, link: Link, message: Msg) -> None:
        self.content = message.data
        self.sender = sender_of(message.subject)
        self.tries = message.metadata.num_delivered
        self.open = True
        self._link = link
        self._place = message.reply

    async def working(self) -> None:
        """Keep it for another while."""
        if self.open:
            await self._tell(b"+WPI")

    async def done(self) -> None:
        """Never see it again. Returns when the server knows; raises BusError where it cannot be told."""
        if not self.open:
            return
        async with self._link.calling("being done with a message") as connection:
            await connection.client.request(
                self._place, b"+ACK", timeout=self._link.options.answer_seconds
            )
        self.open = False

    async def again(self, *, seconds: float = 0) -> None:
        """Have it delivered again after some seconds."""
        if self.open:
            self.open = False
            delay = b' {"delay": %d}' % int(seconds * 10**9) if seconds > 0 else b""
            await self._tell(b"-NAK" + delay)

    async def _tell(self, content: bytes) -> None:
        async with self._link.calling("answering for a message") as connection:
            await connection.client.publish(self._place, content)
            await connection.client.flush(timeout=max(1, int(self._link.options.answer_seconds)))
