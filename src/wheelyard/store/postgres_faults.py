"""What goes wrong with PostgreSQL, told as the error family tells it."""

import psycopg
from psycopg.conninfo import conninfo_to_dict

from wheelyard.errors import OutOfSpaceError, StoreError

_AWAY = ("08", "57P01", "57P02", "57P03", "53300")
"""Classes and codes of a server that is starting, stopping, cut off, or has no connection left."""
_DENIED = ("28", "42501")
# While a connection is being made the server's code does not reach us, only its words.
_FOR_GOOD = (
    "authentication failed",
    "no password supplied",
    "no pg_hba.conf entry",
    "does not exist",
    "invalid connection option",
    "certificate",
)


def label(url: str) -> str:
    """Return the address of a database without its password."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        return "postgresql://…"
    user = f"{parts['user']}@" if parts.get("user") else ""
    host = str(parts.get("host") or "")
    port = f":{parts['port']}" if parts.get("port") else ""
    return f"postgresql://{user}{host}{port}/{parts.get('dbname') or ''}"


def comes_back(error: psycopg.Error) -> bool:
    """Whether it is worth waiting and trying again."""
    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    if error.sqlstate is not None:
        return error.sqlstate.startswith(_AWAY)
    return not any(words in str(error) for words in _FOR_GOOD)


def fault(error: psycopg.Error, database: str) -> StoreError:
    """Say what an error of PostgreSQL means."""
    state = error.sqlstate or ""
    said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if state == "53100":
        return OutOfSpaceError(
            f"no space is left for the database {database!r}",
            hint="Make room on the disk of its server.",
        )
    if state.startswith(_DENIED) or any(words in said for words in _FOR_GOOD):
        return StoreError(
            f"the database {database!r} lets nobody in: {said}",
            hint="Check the user, the password and the name of the database in its address.",
        )
    if comes_back(error):
        return StoreError(
            f"the database {database!r} does not answer: {said}",
            hint="Start PostgreSQL, or check the address of the database.",
        )
    if state == "55P03":
        return StoreError(
            f"the database {database!r} is locked by another process",
            hint="Look for a wheelyard that hangs, or a backup in progress.",
        )
    if isinstance(error, psycopg.ProgrammingError) and not state:
        return StoreError(
            f"{database!r} is no address of a database: {said}",
            hint="Write postgresql://USER:PASSWORD@HOST:PORT/NAME.",
        )
    return StoreError(
        f"the database {database!r} failed: {said}",
        hint="Look into the log of PostgreSQL.",
    )
