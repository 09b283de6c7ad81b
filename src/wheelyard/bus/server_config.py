"""The configuration of a nats-server for a farm: JetStream, TLS, and who may do what.

It is JSON, which nats-server reads as its own format. The streams are the coordinator's account's. Each
builder has an account of its own that imports its own subjects and nothing else: permissions of users
in one account do not do, because a client may name any subject as the place for an answer, and the
answer of JetStream to a harmless message is then a request of the server's own, to empty a stream for example.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wheelyard.bus.subjects import COORDINATOR, ORDERS, PRESENCE_BUCKET, token
from wheelyard.errors import ConfigurationError

ACCOUNT = "farm"
"""The account that has the streams."""
LARGEST_PAYLOAD = 8 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class BusUser:
    """A builder that may connect."""

    name: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTls:
    """The files of a server's certificate."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerPlace:
    """Where a server keeps its things and where it listens; port -1 is any free one."""

    folder: Path
    host: str = "127.0.0.1"
    port: int = 4222
    tls: ServerTls | None = None


def password_of(secret_digest: str) -> str:
    """Derive the password of a user from the digest of its token's secret.

    Both sides can: the coordinator keeps the digest only, and the builder has the secret. Who reads a
    password in the server's configuration has no token by it.
    """
    return hashlib.sha256(f"wheelyard bus password of {secret_digest}".encode()).hexdigest()


def render(place: ServerPlace, *, password: str, builders: Sequence[BusUser]) -> str:
    """Write a whole configuration; ``password`` is the coordinator's. Raises ConfigurationError."""
    _check(password, builders)
    content: dict[str, object] = {
        "listen": f"{place.host}:{place.port}",
        "server_name": "wheelyard",
        "max_payload": LARGEST_PAYLOAD,
        "pid_file": str(place.folder / "nats-server.pid"),
        "ports_file_dir": str(place.folder),
        "log_file": str(place.folder / "nats-server.log"),
        "logfile_size_limit": 10 << 20,
        "jetstream": {"store_dir": str(place.folder / "jetstream")},
        "accounts": accounts(password=password, builders=builders),
    }
    if place.tls is not None:
        content["tls"] = {
            "cert_file": str(place.tls.certificate),
            "key_file": str(place.tls.key),
            "timeout": 5,
        }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def render_accounts(*, password: str, builders: Sequence[BusUser]) -> str:
    """Write what a server that others configure includes. Raises ConfigurationError."""
    _check(password, builders)
    content = {"accounts": accounts(password=password, builders=builders)}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def accounts(*, password: str, builders: Sequence[BusUser]) -> Mapping[str, object]:
    """Return the part that says who may do what, for a server that others configure."""
    farm = {
        "jetstream": "enabled",
        "users": [{"user": COORDINATOR, "password": password}],
        "exports": [
            # More than one message answers a request for orders.
            {"service": subject, **({"response_type": "stream"} if ".MSG.NEXT." in subject else {})}
            for subject in builder_subjects("*")
        ],
    }
    return {ACCOUNT: farm} | {user_name(each.name): _account_of(each) for each in builders}


def builder_subjects(own: str) -> Sequence[str]:
    """Return what a builder may publish to, with its name as a token: no more than it needs.

    It reads its orders by asking for the next one, so that it subscribes to nothing but answers.
    """
    return (
        f"$JS.API.CONSUMER.MSG.NEXT.{ORDERS}.{own}",
        f"$JS.ACK.{ORDERS}.{own}.>",
        f"wheelyard.word.{own}",
        f"wheelyard.log.{own}.*",
        f"$KV.{PRESENCE_BUCKET}.{own}",
    )


def _account_of(builder: BusUser) -> Mapping[str, object]:
    return {
        "users": [{"user": user_name(builder.name), "password": builder.password}],
        "imports": [
            {"service": {"account": ACCOUNT, "subject": subject}}
            for subject in builder_subjects(token(builder.name))
        ],
    }


def user_name(builder: str) -> str:
    """Return the user, and the account, of a builder."""
    return f"builder-{token(builder)}"


def _check(password: str, builders: Sequence[BusUser]) -> None:
    """Refuse a password that is empty, which lets anybody in, or has characters that need quoting."""
    for user in (BusUser(name=COORDINATOR, password=password), *builders):
        if not (user.password.isascii() and user.password.isalnum()):
            raise ConfigurationError(
                f"the password of {user.name!r} on the bus is not made of letters and digits",
                hint="Take a long random one; for a builder, what password_of gives.",
            )
    names = Counter(builder.name for builder in builders)
    for name, times in names.items():
        if times > 1:
            raise ConfigurationError(
                f"builder {name!r} is listed twice", hint="A name is one builder's for ever."
            )
