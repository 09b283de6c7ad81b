"""The conda channel in the database: packages, what solvers are not to see, and what changed since when.

A name within a subdir stands for its bytes for ever, so that no row goes. Every change has a number, noted at its
packages in the same transaction: whoever keeps pages asks for what changed since a number and for nothing else.
"""

from collections.abc import Sequence
from dataclasses import replace

from wheelyard.channel_ports import ChannelChanges, Entered
from wheelyard.model.artifact import Origin
from wheelyard.model.channel import CondaPackage
from wheelyard.ports import Clock
from wheelyard.store.database import Connection, Database, Row
from wheelyard.store.moments import to_moment, to_ticks

_COLUMNS = (
    *("subdir", "filename", "name", "version", "build", "build_number", "digest", "md5", "size"),
    *("record", "about", "run_exports", "build_key"),
)
_REVISION = "SELECT COALESCE(MAX(change), 0) FROM conda_packages"
_LOST = "SELECT COALESCE(MAX(change), 0) FROM conda_packages WHERE NOT there"
_SINCE = "SELECT * FROM conda_packages WHERE change > :since ORDER BY subdir, filename"
_PLACE = "SELECT * FROM conda_packages WHERE filename = :filename AND subdir = :subdir"
_PLACES = "SELECT subdir FROM conda_packages WHERE filename = :filename AND there ORDER BY subdir"
_ENTER = """
INSERT INTO conda_packages (
    subdir, filename, name, version, build, build_number, digest, md5, size, record, about, run_exports,
    origin, build_key, created, removed, there, change
) VALUES (
    :subdir, :filename, :name, :version, :build, :build_number, :digest, :md5, :size, :record, :about,
    :run_exports, :origin, :build_key, :created, NULL, TRUE, :change
)
"""
_BACK = """
UPDATE conda_packages SET there = TRUE, change = :change WHERE filename = :filename AND subdir = :subdir
"""
_REMOVE = """
UPDATE conda_packages SET removed = :reason, change = :change
WHERE filename = :filename AND subdir = :subdir AND there
"""
_WITHDRAW = """
UPDATE conda_packages SET there = FALSE, change = :change WHERE digest = :digest AND there
"""
_OUT_OF_SNAPSHOTS = """
DELETE FROM snapshot_packages WHERE package IN (SELECT id FROM conda_packages WHERE digest = :digest)
"""
_OF_SNAPSHOT = """
SELECT conda_packages.*, snapshot_packages.removed AS removed_then
FROM snapshot_packages JOIN conda_packages ON conda_packages.id = snapshot_packages.package
WHERE snapshot_packages.snapshot = :snapshot ORDER BY subdir, filename
"""


class StoredChannel:
    """The ``ChannelStore`` of a database."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def changes_since(self, since: int) -> ChannelChanges:
        """Return what changed after a revision, everything after -1."""

        def work(connection: Connection) -> ChannelChanges:
            revision = _revision(connection)
            if revision == since:
                return ChannelChanges(revision=revision, packages=())
            # A database that was restored knows less than its reader.
            whole = not 0 <= since <= revision
            rows = connection.execute(_SINCE, {"since": -1 if whole else since})
            return ChannelChanges(
                revision=revision, packages=tuple([_read(row) for row in rows]), whole=whole
            )

        return await self._database.read(work)

    async def enter(self, packages: Sequence[CondaPackage]) -> Entered:
        """Let packages into the channel, all of them or none."""
        now = to_ticks(self._clock.now())

        def work(connection: Connection) -> Entered:
            change = _next(connection)
            known = {one.place: _find(connection, one.subdir, one.filename) for one in packages}
            taken = [there for one in packages if _differs(there := known[one.place], one)]
            if taken:
                return Entered(taken=tuple(one for one in taken if one is not None))
            new = [
                one for one in packages if (there := known[one.place]) is None or not there.there
            ]
            for one in new:
                row = _row(one) | {"created": now, "change": change}
                connection.execute(_ENTER if known[one.place] is None else _BACK, row)
            return Entered(new=tuple(new))

        return await self._database.write(work)

    async def remove(self, subdir: str, filename: str, reason: str | None) -> bool:
        """Hide a package from solvers, or take that back with None; False where there is no such package."""

        def work(connection: Connection) -> bool:
            names = {"subdir": subdir, "filename": filename, "reason": reason}
            return connection.execute(_REMOVE, names | {"change": _next(connection)}).rowcount > 0

        return await self._database.write(work)

    async def places_of(self, filename: str) -> Sequence[str]:
        """Return the subdirs in which there is a package of this name."""
        names = {"filename": filename}
        return await self._database.read(
            lambda connection: [str(row[0]) for row in connection.execute(_PLACES, names)]
        )

    async def withdraw(self, digest: str) -> int:
        """Take packages whose bytes are gone out of the channel and all snapshots; return how many names they had."""

        def work(connection: Connection) -> int:
            connection.execute(_OUT_OF_SNAPSHOTS, {"digest": digest})
            names = {"digest": digest, "change": _next(connection)}
            return connection.execute(_WITHDRAW, names).rowcount

        return await self._database.write(work)


class SnapshotChannel:
    """What a snapshot holds of the channel, to be read; only lost bytes ever change it."""

    def __init__(self, *, database: Database, snapshot: int) -> None:
        self._database = database
        self._snapshot = snapshot

    async def changes_since(self, since: int) -> ChannelChanges:
        """Return all that is in it where anything was lost since."""

        def work(connection: Connection) -> ChannelChanges:
            revision = int(connection.execute(_LOST).fetchone()[0])
            if revision == since:
                return ChannelChanges(revision=revision, packages=())
            rows = connection.execute(_OF_SNAPSHOT, {"snapshot": self._snapshot})
            found = [replace(_read(row), removed=row["removed_then"]) for row in rows]
            return ChannelChanges(revision=revision, packages=tuple(found), whole=True)

        return await self._database.read(work)


def _differs(there: CondaPackage | None, one: CondaPackage) -> bool:
    return there is not None and there.digest != one.digest


def _revision(connection: Connection) -> int:
    return int(connection.execute(_REVISION).fetchone()[0])


def _next(connection: Connection) -> int:
    # A number must not become visible after a greater one.
    connection.queue_up("channel")
    return _revision(connection) + 1


def _find(connection: Connection, subdir: str, filename: str) -> CondaPackage | None:
    row = connection.execute(_PLACE, {"subdir": subdir, "filename": filename}).fetchone()
    return None if row is None else _read(row)


def _row(package: CondaPackage) -> dict[str, object]:
    columns = {name: getattr(package, name) for name in _COLUMNS}
    return {**columns, "origin": package.origin.value}


def _read(row: Row) -> CondaPackage:
    return CondaPackage(
        subdir=row["subdir"],
        filename=row["filename"],
        name=row["name"],
        version=row["version"],
        build=row["build"],
        build_number=row["build_number"],
        digest=row["digest"],
        md5=row["md5"],
        size=row["size"],
        record=row["record"],
        about=row["about"],
        run_exports=row["run_exports"],
        origin=Origin(row["origin"]),
        build_key=row["build_key"],
        created=to_moment(row["created"]),
        removed=row["removed"],
        there=bool(row["there"]),
    )
