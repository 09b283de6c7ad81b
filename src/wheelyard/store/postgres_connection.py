"""One connection to PostgreSQL, as the stores and as ``store.postgres`` use it."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import RowMaker

from wheelyard.store.named import for_psycopg

_SETTINGS = {
    # A server that is gone without a word is noticed within half a minute.
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "application_name": "wheelyard",
}
_LIMITS = "SET lock_timeout = '30s'; SET idle_in_transaction_session_timeout = '60s'"
"""Neither does a process that hangs keep the others from a row for ever."""
_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ"
_MARK = """
INSERT INTO commits (session, number, at) VALUES (:session, :number, now())
ON CONFLICT (session) DO UPDATE SET number = excluded.number, at = excluded.at
"""
# A name of hexadecimal digits and a number, so that both go in one message without parameters.
_MARK_AND_COMMIT = """
INSERT INTO commits (session, number, at) VALUES ('{session}', {number}, now())
ON CONFLICT (session) DO UPDATE SET number = excluded.number, at = excluded.at;
COMMIT
"""
_MARKED = "SELECT number FROM commits WHERE session = :session FOR UPDATE"
_QUEUE_UP = "SELECT pg_advisory_xact_lock(hashtext('wheelyard'), hashtext(:name))"


def connect(url: str) -> "psycopg.Connection[PostgresRow]":
    """Connect to a server. Raises psycopg.Error."""
    given = psycopg.conninfo.conninfo_to_dict(url)
    settings: dict[str, Any] = {**_SETTINGS, **given}
    connection = psycopg.Connection.connect(autocommit=True, row_factory=_rows, **settings)
    connection.execute(_LIMITS)
    return connection


class PostgresRow:
    """A row whose values have names and places."""

    __slots__ = ("_names", "_values")

    def __init__(self, names: Mapping[str, int], values: Sequence[Any]) -> None:
        self._names = names
        self._values = values

    def __getitem__(self, name: str | int) -> Any:
        """Return a value."""
        return self._values[self._names[name] if isinstance(name, str) else name]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)


@dataclass(frozen=True, slots=True)
class _Later:
    """A statement that waits for the next one."""

    text: bytes
    values: dict[str, Any]
    otherwise: Callable[[], None] | None


class Session:
    """A connection, its transactions, and the number of the last one that was marked."""

    def __init__(
        self, connection: "psycopg.Connection[PostgresRow]", *, name: str, number: int = 0
    ) -> None:
        self._connection = connection
        self.name = name
        self.number = number
        self._spoiled = False
        self._queued: set[str] = set()
        self._later: list[_Later] = []
        self._unless: list[tuple[psycopg.Cursor[PostgresRow], Callable[[], None]]] = []

    @property
    def broken(self) -> bool:
        """Whether nothing more can be asked over it."""
        return self._connection.closed

    def renewed(self, connection: "psycopg.Connection[PostgresRow]") -> "Session":
        """Return what goes on over a new connection where this one was given up between two transactions."""
        return Session(connection, name=self.name, number=self.number)

    @property
    def given_up(self) -> bool:
        """Whether it was closed here, with nothing left open: no transaction of it is in doubt."""
        return self._spoiled and self.broken

    def execute(
        self, statement: str, names: Mapping[str, Any] | None = None, /
    ) -> "psycopg.Cursor[PostgresRow]":
        """Carry out a statement, behind those that wait."""
        if not self._later:
            return self._connection.execute(_text(statement), _values(names or {}))
        self.later(statement, names or {})
        return self._carry_out()

    def execute_all(self, statement: str, rows: Iterable[Mapping[str, Any]], /) -> None:
        """Carry out a statement once for each row."""
        if self._later:
            self._carry_out()
        self._connection.cursor().executemany(_text(statement), list(map(_values, rows)))

    def later(
        self,
        statement: str,
        names: Mapping[str, Any],
        /,
        *,
        otherwise: Callable[[], None] | None = None,
    ) -> None:
        """Have a statement wait for the next one, or for the end of the transaction."""
        self._later.append(_Later(_text(statement), _values(names), otherwise))

    def queue_up(self, name: str, /) -> None:
        """Let no other transaction that queues up under this name overlap with the rest of this one."""
        if name not in self._queued:
            self._queued.add(name)
            self.later(_QUEUE_UP, {"name": name})

    def begin(self, *, writes: bool) -> None:
        """Begin a transaction."""
        self._forget()
        if writes and self.number == 0:
            # A row that is there already is one that ``committed`` can wait for.
            self.mark()
        self.later(_BEGIN if writes else f"{_BEGIN} READ ONLY", {})

    def _carry_out(self) -> "psycopg.Cursor[PostgresRow]":
        """Send what waits in one go, and return what the last one answered."""
        waiting, self._later = self._later, []
        many = len(waiting) > 1 and psycopg.Pipeline.is_supported()
        try:
            with self._connection.pipeline() if many else contextlib.nullcontext():
                cursors = [self._connection.execute(one.text, one.values) for one in waiting]
        except psycopg.Error:
            self._spoiled = many
            raise
        self._unless += [
            (cursor, one.otherwise)
            for cursor, one in zip(cursors, waiting, strict=True)
            if one.otherwise is not None
        ]
        return cursors[-1]

    def see_to_rest(self) -> None:
        """Call whoever wants to know that a statement changed nothing; what nobody asks about may wait still."""
        while self._unless or any(one.otherwise is not None for one in self._later):
            if self._later:
                self._carry_out()
            unless, self._unless = self._unless, []
            for cursor, otherwise in unless:
                if cursor.rowcount == 0:
                    otherwise()

    def _forget(self) -> None:
        self._queued.clear()
        self._later.clear()
        self._unless.clear()

    def mark(self) -> None:
        """Leave a number where ``committed`` looks for it."""
        self.number += 1
        self.execute(_MARK, {"session": self.name, "number": self.number})

    def commit(self, *, marked: bool) -> None:
        """End the transaction, ``marked`` with the number by which ``committed`` knows it, if it counts."""
        if not marked:
            self.execute("COMMIT")
        elif self._later:
            self.number += 1
            self.later(_MARK, {"session": self.name, "number": self.number})
            self.execute("COMMIT")
        else:
            self.number += 1
            text = _MARK_AND_COMMIT.format(session=self.name, number=self.number)
            self._connection.execute(text.encode(), prepare=False)

    def roll_back(self) -> None:
        """Undo the transaction."""
        self._forget()
        if self._spoiled:
            # psycopg takes for prepared what the server passed over behind the statement that failed.
            self._connection.close()
        # Where the connection is broken, the server does it.
        with contextlib.suppress(psycopg.Error):
            self.execute("ROLLBACK")

    def committed(self, session: str, number: int) -> bool:
        """Whether a transaction that another connection marked counts; waits for its end."""
        row = self.execute(_MARKED, {"session": session}).fetchone()
        return row is not None and bool(row["number"] >= number)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _rows(cursor: "psycopg.Cursor[Any]") -> RowMaker[PostgresRow]:
    columns = cursor.description or ()
    names = {column.name: place for place, column in enumerate(columns)}
    return lambda values: PostgresRow(names, values)


def _text(statement: str) -> bytes:
    # As bytes, because a text that is no literal is refused by the types of psycopg: the stores compose
    # statements, of fixed fragments only (``store.where``).
    return for_psycopg(statement).encode()


def _values(names: Mapping[str, Any]) -> dict[str, Any]:
    # PostgreSQL keeps no NUL in a text; what builds print may have some.
    return {
        name: value.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value
        for name, value in names.items()
    }
