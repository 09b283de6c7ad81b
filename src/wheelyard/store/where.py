"""The WHERE clause of a choice: fixed fragments joined by AND, values only as parameters."""

from collections.abc import Mapping, Sequence

from wheelyard.jobs.selection import Selection
from wheelyard.store.database import Connection, Row
from wheelyard.store.moments import to_ticks


class Where:
    """Fragments and their parameters; nothing that a user wrote ever becomes part of the text."""

    def __init__(self) -> None:
        self._fragments: list[str] = []
        self._parameters: dict[str, object] = {}

    def select(
        self, connection: Connection, head: str, order: str, limit: int | None = None
    ) -> Sequence[Row]:
        """Return the chosen rows of ``head``, in an order."""
        parts = [head]
        if self._fragments:
            parts.append("WHERE " + " AND ".join(self._fragments))
        parts.append(f"ORDER BY {order}")
        if limit is not None:
            parts.append("LIMIT :limit")
        return connection.execute(" ".join(parts), {**self._parameters, "limit": limit}).fetchall()

    def change(self, connection: Connection, head: str, names: Mapping[str, object]) -> int:
        """Change the chosen rows; return how many there were."""
        clause = " AND ".join(self._fragments)
        return connection.execute(f"{head} WHERE {clause}", {**self._parameters, **names}).rowcount

    def fixed(self, fragment: str) -> None:
        """Narrow to rows for which a fragment without parameters holds."""
        self._fragments.append(fragment)

    def equal(self, column: str, value: object | None) -> None:
        """Narrow to rows where a column has a value; None and an empty text narrow nothing."""
        if value not in {None, ""}:
            self._fragments.append(f"{column} = :{column}")
            self._parameters[column] = str(value)

    def since(self, column: str, ticks: int | None) -> None:
        """Narrow to rows of a moment or later."""
        if ticks is not None:
            self._fragments.append(f"{column} >= :{column}")
            self._parameters[column] = ticks

    def contains(self, column: str, text: str) -> None:
        """Narrow to rows where a column has a text in it, in any case of letters."""
        if text:
            escaped = text.lower().replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
            self._fragments.append(rf"LOWER({column}) LIKE :{column} ESCAPE '\'")
            self._parameters[column] = f"%{escaped}%"

    def among(self, column: str, values: Sequence[str]) -> None:
        """Narrow to rows where a column has one of some values; none narrow nothing."""
        if values:
            names = {f"{column}{number}": value for number, value in enumerate(values)}
            self._fragments.append(f"{column} IN ({', '.join(f':{name}' for name in names)})")
            self._parameters.update(names)


def where_jobs(selection: Selection) -> Where:
    """Say what a selection means for rows of ``jobs``."""
    where = _where(selection)
    where.equal("state", selection.state)
    where.since("changed", to_ticks(selection.since))
    return where


def where_attempts(selection: Selection) -> Where:
    """Say what a selection means for rows of ``attempts``."""
    where = _where(selection)
    where.since("started", to_ticks(selection.since))
    return where


def _where(selection: Selection) -> Where:
    where = Where()
    where.equal("project", selection.project)
    where.equal("target", selection.target)
    where.equal("outcome", selection.outcome)
    where.equal("builder", selection.builder)
    where.contains("reason", selection.reason)
    where.among("key", selection.keys)
    return where
