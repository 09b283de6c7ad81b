"""The bus over HTTP: what a builder hears and says in a farm without NATS.

Contents are opaque here, but for who speaks: a builder speaks for nobody else.
"""

import base64
from collections import OrderedDict
from collections.abc import Sequence
from typing import Literal

import msgspec
from starlette.responses import Response

from wheelyard.bus_ports import LogPiece
from wheelyard.errors import InvalidNameError, ProtocolError
from wheelyard.jobs.selection import Selection
from wheelyard.model.job import BuildKey
from wheelyard.protocol.messages import LARGEST_BYTES, Presence, Result, Word
from wheelyard.protocol.wire import decode_word
from wheelyard.targets.wheelname import WheelName
from wheelyard.web.access import BUILDERS
from wheelyard.web.doors import Doors
from wheelyard.web.endpoint import Answering, Call, Endpoint, Parameter, answered, done
from wheelyard.web.ports import Desk, Jobs, WebPorts
from wheelyard.web.refusals import Refusal, shortened

_LONGEST_WAIT = 60
_USUAL_WAIT = 25
_LARGEST_PIECE = 256 * 1024
_LONGEST_NAME = 256
_REMEMBERED = 10_000
_BYTES = "application/octet-stream"


class GivenOrder(msgspec.Struct, kw_only=True):
    """An order; ``content`` is base64, ``tries`` how often it was given out."""

    id: str
    tries: int
    content: str


class GivenOrders(msgspec.Struct, kw_only=True):
    """Orders, oldest first."""

    orders: list[GivenOrder]


class OrderState(msgspec.Struct, kw_only=True):
    """What a builder says about an order; ``seconds`` goes with ``again``."""

    state: Literal["working", "done", "again"]
    seconds: float = 0.0


class BusOverHttp:
    """The ends of builders, as requests."""

    def __init__(self, *, doors: Doors, jobs: Jobs, desk: Desk) -> None:
        self._doors = doors
        self._desk = desk
        self._writers = Writers(jobs)

    async def orders(self, call: Call) -> Response:
        """Wait for orders."""
        seconds = call.number("wait", _USUAL_WAIT, most=_LONGEST_WAIT)
        session = call.text("session")[:_LONGEST_NAME]
        found = await self._doors.wait(call.bearer.subject, session, seconds=seconds)
        given = [
            GivenOrder(
                id=number,
                tries=delivery.tries,
                content=base64.b64encode(delivery.content).decode("ascii"),
            )
            for number, delivery in found
        ]
        return answered(GivenOrders(orders=given))

    async def answer_order(self, call: Call) -> Response:
        """Take what a builder says about an order."""
        said, number = await call.value(OrderState), call.place("id")
        builder = call.bearer.subject
        delivery = self._doors.given(builder, number)
        if said.state == "working":
            await delivery.working()
            return done()
        if said.state == "done":
            await delivery.done()
        else:
            await delivery.again(seconds=max(0.0, min(said.seconds, 3600.0)))
        self._doors.forget(builder, number)
        return done()

    async def say(self, call: Call) -> Response:
        """Take a result or a returned job."""
        name = call.text("name")
        if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
            raise Refusal(422, "a word needs a name", "It lets the farm count the same word once.")
        content = await call.body(LARGEST_BYTES)
        word = await self._own(call, content)
        if isinstance(word, Presence):
            raise Refusal(422, "a presence is no word", "Send it to /api/bus/presence.")
        await self._check_name(call.bearer.subject, word)
        await self._doors.end(call.bearer.subject).say(content, name=name)
        return done()

    async def announce(self, call: Call) -> Response:
        """Take a presence."""
        content = await call.body(LARGEST_BYTES)
        if not isinstance(await self._own(call, content), Presence):
            raise Refusal(422, "this is no presence", "Send words to /api/bus/words.")
        await self._doors.end(call.bearer.subject).announce(content)
        return done()

    async def write_log(self, call: Call) -> Response:
        """Take a piece of a log."""
        attempt, builder = call.text("attempt"), call.bearer.subject
        start, end = call.number("start", 0), call.flag("end")
        if not await self._writers.may_write(builder, attempt):
            raise Refusal(
                403, f"attempt {shortened(attempt)!r} is not this builder's", "Drop what it wrote."
            )
        content = await call.body(_LARGEST_PIECE)
        if content or end:
            piece = LogPiece(attempt=attempt, start=start, content=content, end=end)
            await self._doors.end(builder).write_log(piece)
        return done()

    async def _own(self, call: Call, content: bytes) -> Word:
        """Read what a builder says for itself; what it should not have said is written down."""
        builder = call.bearer.subject
        try:
            word = decode_word(content)
        except ProtocolError as error:
            await self._desk.flag_builder(builder, shortened(error.message, 300))
            raise
        if word.builder != builder:
            await self._desk.flag_builder(builder, f"it speaks for {shortened(word.builder)!r}")
            raise Refusal(
                422,
                f"{call.bearer.subject!r} speaks for {shortened(word.builder)!r}",
                "A builder speaks for itself only.",
            )
        return word

    async def _check_name(self, builder: str, word: Word) -> None:
        """Refuse a wheel whose name no honest builder gives. The coordinator looks at its bytes."""
        artifact = word.report.artifact if isinstance(word, Result) else None
        if artifact is None:
            return
        try:
            WheelName.parse(artifact.filename)
        except InvalidNameError as error:
            reason = f"it named a wheel {shortened(artifact.filename)!r}"
            await self._desk.flag_builder(builder, reason)
            raise Refusal(422, error.message, "This builder was flagged.") from error


class Writers:
    """Which builder may write to which log: whoever has, or had, a lease of the job.

    Answers are remembered, because pieces come many times a second.
    """

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()

    async def may_write(self, builder: str, attempt: str) -> bool:
        """Whether a builder may write the log of an attempt, named ``KEY.FENCE``."""
        if (builder, attempt) in self._known:
            return True
        key, _, fence = attempt.rpartition(".")
        if not key or not (fence.isascii() and fence.isdecimal()) or len(fence) > 18:  # noqa: PLR2004 - 64 bits
            return False
        if not await self._had(builder, BuildKey(key), int(fence)):
            return False
        self._known[builder, attempt] = None
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return True

    async def _had(self, builder: str, key: BuildKey, fence: int) -> bool:
        job = await self._jobs.job(key)
        if job is None or fence > job.fence:
            return False
        if fence == job.fence:
            return job.builder == builder
        # An older fence: attempts are kept without theirs, and each builder writes a log of its own.
        attempts = await self._jobs.find_attempts(Selection(keys=(key,), builder=builder), limit=1)
        return bool(attempts)


def endpoints(ports: WebPorts, doors: Doors) -> Sequence[Endpoint]:
    """Return the bus."""
    bus = BusOverHttp(doors=doors, jobs=ports.jobs, desk=ports.desk)
    name = Parameter(name="name", says="The same name counts once.")
    piece = (
        Parameter(name="attempt", says="KEY.FENCE"),
        Parameter(name="start", says="The offset in bytes.", kind="integer"),
        Parameter(name="end", says="1 with the last piece.", kind="integer"),
    )
    return (
        Endpoint(
            method="GET",
            path="/api/bus/orders",
            allowed=BUILDERS,
            answer=bus.orders,
            says="Wait for orders.",
            query=(
                Parameter(name="wait", says="Seconds, 60 at most.", kind="integer"),
                Parameter(name="session", says="The builder's process."),
            ),
            gives=GivenOrders,
        ),
        Endpoint(
            method="POST",
            path="/api/bus/orders/{id}",
            allowed=BUILDERS,
            answer=bus.answer_order,
            says="Say how an order fares.",
            body=OrderState,
            status=204,
        ),
        _said("words", bus.say, "Hand over a result, or give a job back.", name),
        _said("presence", bus.announce, "Say that a builder is there."),
        _said("logs", bus.write_log, "Add to the log of an attempt.", *piece),
    )


def _said(name: str, answer: Answering, says: str, *query: Parameter) -> Endpoint:
    """Return where a builder says something, as bytes."""
    return Endpoint(
        method="POST",
        path=f"/api/bus/{name}",
        allowed=BUILDERS,
        answer=answer,
        says=says,
        query=query,
        body=bytes,
        body_media=_BYTES,
        status=204,
    )
