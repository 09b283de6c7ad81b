"""The streams of a farm on JetStream, and the consumers that outlive a connection.

Only the coordinator makes them, each time that it connects: a server whose folder was lost gets them again.
They lie in files, so that a server that is killed loses nothing that it said it had.
"""

from contextlib import suppress

from nats.js import api
from nats.js.errors import BadRequestError, NotFoundError

from wheelyard.bus.nats_link import Connection
from wheelyard.bus.nats_options import NatsLimits
from wheelyard.bus.pieces import LARGEST_PIECE_BYTES
from wheelyard.bus.subjects import (
    COORDINATOR,
    LOGS,
    ORDERS,
    PRESENCE,
    PRESENCE_BUCKET,
    WORDS,
    order_subject,
    presence_subject,
    token,
)
from wheelyard.protocol.messages import LARGEST_BYTES, LARGEST_ORDER_BYTES

_HEADERS_BYTES = 4096
_REPEAT_SECONDS = 120
_NAME_IN_USE = 10058
_MOST_PENDING = 10_000


async def prepare(connection: Connection, limits: NatsLimits) -> None:
    """Make the streams and the consumer of words, or bring them up to date."""
    for config in stream_configs(limits):
        try:
            await connection.streams.add_stream(config)
        except BadRequestError as error:
            if error.err_code != _NAME_IN_USE:
                raise
            await connection.streams.update_stream(config)
    await connection.streams.add_consumer(
        WORDS, _queue_consumer(COORDINATOR, "wheelyard.word.*", limits)
    )


async def prepare_orders(connection: Connection, builder: str, limits: NatsLimits) -> None:
    """Make the consumer from which a builder reads its orders."""
    config = _queue_consumer(token(builder), order_subject(builder), limits)
    await connection.streams.add_consumer(ORDERS, config)


async def remove_orders(connection: Connection, builder: str) -> None:
    """Drop a builder's consumer, its orders and its presence."""
    streams = connection.streams
    with suppress(NotFoundError):
        await streams.delete_consumer(ORDERS, token(builder))
    await streams.purge_stream(ORDERS, subject=order_subject(builder))
    await streams.purge_stream(PRESENCE, subject=presence_subject(builder))


def stream_configs(limits: NatsLimits) -> tuple[api.StreamConfig, ...]:
    """Return the configuration of each stream."""
    return (
        api.StreamConfig(
            name=ORDERS,
            subjects=["wheelyard.order.*"],
            retention=api.RetentionPolicy.WORK_QUEUE,
            max_msg_size=LARGEST_ORDER_BYTES + _HEADERS_BYTES,
            duplicate_window=_REPEAT_SECONDS,
        ),
        api.StreamConfig(
            name=WORDS,
            subjects=["wheelyard.word.*"],
            retention=api.RetentionPolicy.WORK_QUEUE,
            # A builder that floods its subject is told so, and nobody else's results go for it.
            discard=api.DiscardPolicy.NEW,
            discard_new_per_subject=True,
            max_msgs_per_subject=limits.words,
            max_msg_size=LARGEST_BYTES + _HEADERS_BYTES,
            duplicate_window=_REPEAT_SECONDS,
        ),
        api.StreamConfig(
            name=LOGS,
            subjects=["wheelyard.log.*.*"],
            max_bytes=limits.log_bytes,
            max_age=limits.log_seconds,
            max_msg_size=LARGEST_PIECE_BYTES + _HEADERS_BYTES,
        ),
        # A key-value bucket as NATS's own tools make and read it, but for roll-ups: with one a builder could
        # empty the bucket through its own key.
        api.StreamConfig(
            name=PRESENCE,
            subjects=[f"$KV.{PRESENCE_BUCKET}.>"],
            discard=api.DiscardPolicy.NEW,
            max_msgs_per_subject=1,
            max_age=limits.presence,
            max_msg_size=LARGEST_BYTES + _HEADERS_BYTES,
            allow_rollup_hdrs=False,
            deny_delete=True,
            allow_direct=True,
        ),
    )


def _queue_consumer(name: str, subject: str, limits: NatsLimits) -> api.ConsumerConfig:
    return api.ConsumerConfig(
        durable_name=name,
        filter_subject=subject,
        ack_policy=api.AckPolicy.EXPLICIT,
        ack_wait=limits.silence,
        max_ack_pending=_MOST_PENDING,
    )
