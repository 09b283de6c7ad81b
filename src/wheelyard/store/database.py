"""What a database is to the stores: transactions over hand-written SQL, on one of two engines.

Statements are SQL that SQLite and PostgreSQL both understand, with ``:name`` parameters, written as
PostgreSQL wants them (``FOR UPDATE``, ``TRUE``); an engine changes what its driver needs changed and
nothing else knows which one it is. SQLAlchemy knows the schema (``store.schema``) and carries out
migrations, but importing it costs several times what everything else here does, so it is imported
only for those. Neither is psycopg imported where it is not needed.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from wheelyard.errors import ConfigurationError

T = TypeVar("T")

PATIENCE_SECONDS = 30.0
"""How long callers wait for a lock of SQLite's, or for a server that is away, before they are told."""

_SERVERS = ("postgresql://", "postgres://")


class Row(Protocol):
    """A row: its values by the names of their columns, or by their places."""

    def __getitem__(self, name: str | int, /) -> Any:
        """Return a value."""
        ...

    def __iter__(self) -> Iterator[Any]: ...


class Result(Protocol):
    """What a statement answered."""

    @property
    def rowcount(self) -> int:
        """How many rows were changed."""
        ...

    def fetchone(self) -> Any:
        """Return the next row, or None."""
        ...

    def fetchall(self) -> Sequence[Any]:
        """Return all rows that are left."""
        ...

    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """One transaction; valid until it ends."""

    def execute(self, statement: str, names: Mapping[str, Any] = ..., /) -> Result:
        """Carry out a statement."""
        ...

    def execute_all(self, statement: str, rows: Iterable[Mapping[str, Any]], /) -> None:
        """Carry out a statement once for each row."""
        ...

    def later(
        self,
        statement: str,
        names: Mapping[str, Any],
        /,
        *,
        otherwise: Callable[[], None] | None = None,
    ) -> None:
        """Carry out a statement at the latest before the next one, or before the end of the transaction.

        ``otherwise`` is called before the end where it changed no row. Statements that nobody waits for go to
        a server together.
        """
        ...

    def queue_up(self, name: str, /) -> None:
        """Let no other transaction that queues up under this name overlap with the rest of this one."""
        ...


class Database(Protocol):
    """A database, reached from async code. Every method raises StoreError.

    What runs in a transaction may run again from its beginning, where it met another one: it must
    change nothing but the database.
    """

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` over one consistent state."""
        ...

    async def first(self, statement: str, names: Mapping[str, Any]) -> Any:
        """Return the first row that one statement finds, or None."""
        ...

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` as one transaction; what it read is still so when it ends."""
        ...

    async def write_together(self, work: Callable[[Connection], T], *, locks: str = "") -> T:
        """Run ``work`` as ``write`` does, in one transaction with others that come at the same time.

        ``locks`` is the key of the row that it locks: whoever locks several does it in the order of their keys.
        """
        ...

    async def close(self) -> None:
        """Let go of the database after what was begun."""
        ...


def is_server(address: str | Path) -> bool:
    """Whether an address is that of a PostgreSQL database, not of a file."""
    return isinstance(address, str) and address.startswith(_SERVERS)


async def open_database(address: str | Path, *, patience: float = PATIENCE_SECONDS) -> Database:
    """Open a database by its path or its ``postgresql://…`` address, with the newest schema.

    Raises StoreError, and ConfigurationError for the address of something else.
    """
    if is_server(address):
        from wheelyard.store.postgres import PostgresDatabase

        return await PostgresDatabase.open(str(address), patience=patience)
    if isinstance(address, str) and "://" in address:
        # Not quoted whole: there may be a password in it.
        scheme = address.split("://")[0]
        raise ConfigurationError(
            f"{scheme}:// is no address of a database that can be used",
            hint="Write postgresql://USER:PASSWORD@HOST/NAME, or leave it out for SQLite in the state folder.",
        )
    from wheelyard.store.sqlite import SqliteDatabase

    return await SqliteDatabase.open(Path(address), busy_seconds=patience)
