"""Who a builder is on a farm: enrolled once with a code, kept in a file that only its owner can read."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from wheelyard import __version__
from wheelyard.depot.http import Farm, Query, RefusedError, fields_of
from wheelyard.errors import ConfigurationError, ProtocolError, StoreError
from wheelyard.protocol.messages import VERSION

FILE = "builder.json"
_LOCK = "builder.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class BusAddress:
    """Where a farm's orders come from: over its HTTP, or by NATS with all that it takes to connect there."""

    kind: str = "http"
    servers: tuple[str, ...] = ()
    user: str = ""
    password: str = field(default="", repr=False)
    ca: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A builder as its farm knows it. ``token`` and the bus's password are secrets."""

    farm: str
    name: str
    token: str = field(repr=False)
    tier: str = ""
    presence_seconds: float = 5.0
    bus: BusAddress = field(default_factory=BusAddress)


async def enrol(url: str, code: str, *, name: str) -> Identity:
    """Join a farm with a one-time code. Raises DeniedError, ConfigurationError and BusError."""
    body = {"name": name, "version": VERSION, "wheelyard": __version__}
    farm = Farm(url, token=code)
    try:
        response = await farm.ask(
            "POST",
            "/api/builders/enrol",
            Query(content=msgspec.json.encode(body), headers={"Content-Type": "application/json"}),
        )
    except RefusedError as error:
        raise ConfigurationError(error.message, hint=error.hint or "Name it otherwise.") from error
    finally:
        await farm.close()
    return _identity(fields_of(response) | {"farm": url})


async def look_again(known: Identity) -> Identity:
    """Ask the farm what has changed, its bus for example. Raises DeniedError, ConfigurationError and BusError."""
    farm = Farm(known.farm, token=known.token)
    try:
        response = await farm.ask("GET", "/api/builders/me", Query(params={"version": VERSION}))
    except RefusedError as error:
        raise ConfigurationError(error.message, hint=error.hint) from error
    finally:
        await farm.close()
    return _identity(fields_of(response) | {"farm": known.farm, "token": known.token})


def _identity(fields: dict[str, object]) -> Identity:
    try:
        found = msgspec.convert(fields, Identity)
    except msgspec.ValidationError as error:
        raise ProtocolError(
            f"what the farm says of this builder cannot be read: {error}",
            hint="Let farm and builder run the same version of wheelyard.",
        ) from error
    if found.bus.kind not in {"http", "nats"}:
        raise ProtocolError(
            f"the farm's bus is of kind {found.bus.kind!r}, which this builder does not know",
            hint="Let farm and builder run the same version of wheelyard.",
        )
    return found


def load(state: Path) -> Identity | None:
    """Return who this builder is, or None where it never joined. Raises StoreError."""
    path = state / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Identity)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise StoreError(
            f"'{path}' cannot be read: {error}",
            hint="Join again with a new code: --token CODE.",
        ) from error


def keep(identity: Identity, state: Path) -> None:
    """Keep who this builder is, whole or not at all. Raises StoreError."""
    path = state / FILE
    temporary = path.with_name(f".{FILE}-{secrets.token_hex(4)}")
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(identity))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise StoreError(
            f"'{path}' cannot be written: {error.strerror}",
            hint="Choose another state folder with --state.",
        ) from error


@contextmanager
def alone(state: Path) -> Iterator[None]:
    """Hold a builder's state folder for this process. Raises StoreError where another one has it."""
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(state / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(
            f"the state folder {str(state)!r} cannot be used: {error.strerror}",
            hint="Choose another one with --state.",
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise StoreError(
            f"another builder works in {str(state)!r}",
            hint="Give this one a folder of its own with --state.",
        ) from error
    finally:
        os.close(lock)
