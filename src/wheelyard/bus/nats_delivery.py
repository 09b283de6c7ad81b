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
        """Never see it again. Raises BusError where the server cannot be told."""
        if not self.open:
            return
        await self._tell(b"+ACK")
        self.open = False

    async def again(self, *, seconds: float = 0) -> None:
        """Have it delivered again after some seconds."""
        if self.open:
            delay = b' {"delay": %d}' % int(seconds * 10**9) if seconds > 0 else b""
            await self._tell(b"-NAK" + delay)
            self.open = False

    async def _tell(self, content: bytes) -> None:
        """Say it, and wait until the server has taken it in: what is read next must follow from it."""
        async with self._link.calling("answering for a message") as connection:
            seconds = self._link.options.answer_seconds
            await connection.client.request(self._place, content, timeout=seconds)
