"""The state folder: everything that wheelyard keeps on this machine, in one place.

``wheelyard-state`` says which format it is of. ``state.sqlite`` is the truth; ``blobs/`` holds what
it names. ``cache/`` and ``environments/`` can be thrown away at any time, ``jobs/`` when nothing
runs. Opening a folder never touches one that is something else's.
"""

import asyncio
import contextlib
import hashlib
import os
import secrets
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

from wheelyard.errors import StoreError
from wheelyard.farm_ports import Leadership
from wheelyard.ports import Clock
from wheelyard.store import owners
from wheelyard.store.artifacts import StoredArtifacts
from wheelyard.store.builders import StoredBuilders
from wheelyard.store.campaigns import StoredCampaigns
from wheelyard.store.channel import StoredChannel
from wheelyard.store.clock import SystemClock
from wheelyard.store.database import PATIENCE_SECONDS, Database, open_database
from wheelyard.store.evidence import StoredEvidence
from wheelyard.store.faults import translated
from wheelyard.store.happenings import StoredEvents
from wheelyard.store.jobs import StoredJobs
from wheelyard.store.leadership import leadership_of
from wheelyard.store.memory import StoredMemory
from wheelyard.store.owners import Owner
from wheelyard.store.queue import StoredQueue
from wheelyard.store.references import StoredReferences
from wheelyard.store.requests import StoredRequests
from wheelyard.store.site import StoredSite
from wheelyard.store.snapshots import StoredSnapshots
from wheelyard.store.staging import StoredStaging
from wheelyard.store.tokens import StoredTokens

FORMAT = 1
MARKER = "wheelyard-state"
FOLDERS = ("blobs", "cache", "jobs", "environments", "runs")
_DATABASE = "state.sqlite"
_LEADER = "state.sqlite.leader"
_ELSEWHERE = "database-elsewhere"
# What a new file system or a file browser leaves behind belongs to nobody.
_NOBODYS = frozenset({"lost+found", ".DS_Store", ".directory"})


class StateFolder:
    """An open state folder: its stores, its places, and this process as an owner of leases.

    Open it with ``await StateFolder.open(path)``; use it with ``async with`` or ``close`` it. With
    ``database`` the truth is that of a PostgreSQL server, and the folder is this machine's own.
    """

    def __init__(  # noqa: PLR0913 - its parts, by name
        self,
        path: Path,
        *,
        address: str | Path,
        database: Database,
        leadership: Leadership,
        clock: Clock,
        host: str,
    ) -> None:
        self.path = path
        self.jobs = StoredJobs(database=database, clock=clock)
        self.artifacts = StoredArtifacts(database=database, clock=clock)
        self.channel = StoredChannel(database=database, clock=clock)
        self.snapshots = StoredSnapshots(database=database, clock=clock)
        self.staging = StoredStaging(database=database, clock=clock)
        self.memory = StoredMemory(database=database)
        self.references = StoredReferences(database=database)
        self.evidence = StoredEvidence(database=database)
        self.queue = StoredQueue(database=database, clock=clock)
        self.requests = StoredRequests(database=database, clock=clock)
        self.builders = StoredBuilders(database=database, clock=clock)
        self.tokens = StoredTokens(database=database, clock=clock)
        self.events = StoredEvents(database=database, clock=clock)
        self.campaigns = StoredCampaigns(database=database)
        self.leadership = leadership
        self._database = database
        self._address = address
        self._site: StoredSite | None = None
        self._host = host
        self._owner: Owner | None = None

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        database: str = "",
        clock: Clock | None = None,
        patience: float = PATIENCE_SECONDS,
    ) -> Self:
        """Open a state folder, making it where there is none. Raises StoreError.

        ``database`` is the ``postgresql://…`` address of the database, where it is not the folder's own.
        """
        path = await asyncio.to_thread(prepare, path)
        if not database:
            await asyncio.to_thread(_keep_apart, path)
        address = database or path / _DATABASE
        opened = await open_database(address, patience=patience)
        if database:
            await asyncio.to_thread(_note_elsewhere, path)
        return cls(
            path,
            address=address,
            database=opened,
            leadership=leadership_of(address, path / _LEADER),
            clock=clock or SystemClock(),
            host=_host(path) if database else "",
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def place(self, name: str) -> Path:
        """Return one of the folders: blobs, cache, jobs, environments or runs."""
        if name not in FOLDERS:
            raise ValueError(f"{name!r} is no part of a state folder")
        return self.path / name

    async def site(self) -> StoredSite:
        """Return what the site looks at, on connections of its own; they are closed with the folder."""
        if self._site is None:
            pages = await open_database(self._address)
            self._site = StoredSite(pages=pages, counts=await open_database(self._address))
        return self._site

    async def builder(self) -> str:
        """Return the name under which this process takes leases; it counts as alive from now on."""
        if self._owner is None:
            self._owner = await asyncio.to_thread(Owner, self.place("runs"), host=self._host)
        return self._owner.name

    async def dead_owners(self) -> Sequence[str]:
        """Return the builders that have leases but whose process has ended."""
        holders = await self.jobs.holders()
        gone = await asyncio.to_thread(owners.dead, self.place("runs"), holders, host=self._host)
        return sorted(gone)

    async def recover(self) -> int:
        """Give back what ended processes held, or let lapse; return how many leases that were."""
        given_back = 0
        for builder in await self.dead_owners():
            given_back += await self.jobs.release_owner(builder)
        # A process that hangs is alive, and so may be one of another machine.
        given_back += await self.jobs.expire()
        await asyncio.to_thread(owners.sweep, self.place("runs"))
        return given_back

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[bool]:
        """Keep runs from beginning; False where one goes on, so that nothing it may want can go."""
        with owners.alone(self.place("runs")) as free:
            yield free

    async def close(self) -> None:
        """Give back this process's own leases and close the database."""
        try:
            if self._owner is not None:
                await self.jobs.release_owner(self._owner.name)
        finally:
            await self.leadership.let_go()
            if self._site is not None:
                await self._site.close()
            await self._database.close()
            if self._owner is not None:
                await asyncio.to_thread(self._owner.close)


def _host(path: Path) -> str:
    """Name this machine and this folder of it: one of another folder has its locks elsewhere."""
    digest = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()
    return f"{socket.gethostname()}-{digest[:8]}"


def prepare(path: Path) -> Path:
    """Make sure that a state folder is there and ours; return its absolute path."""
    path = path.absolute()
    with translated(path):
        if path.exists() and not path.is_dir():
            raise StoreError(
                f"{str(path)!r} is not a folder",
                hint="Name a folder with --state; it is made where there is none.",
            )
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_format(path)
        for name in FOLDERS:
            (path / name).mkdir(mode=0o700, exist_ok=True)
    return path


def _keep_apart(path: Path) -> None:
    """Refuse to take the folder of a farm whose database is elsewhere for one that holds nothing.

    Its own database would be empty, so that all that the other one names would count as unused.
    """
    with translated(path):
        if (path / _ELSEWHERE).exists():
            raise StoreError(
                f"the database of {str(path)!r} is on a server, and it is not said where",
                hint="Give --database (or WHEELYARD_DATABASE, or database in [farm] of wheelyard.toml) where the command "
                "has it, or ask the farm itself with --farm.",
            )


def _note_elsewhere(path: Path) -> None:
    """Note that the folder's database is on a server, once that let us in."""
    with translated(path):
        (path / _ELSEWHERE).touch(mode=0o600)


def _check_format(path: Path) -> None:
    marker = path / MARKER
    try:
        text = marker.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        _check_unused(path)
        _write_marker(marker)
        return
    if not text.isdecimal():
        raise StoreError(
            f"{str(marker)!r} does not name a format: {text[:40]!r}",
            hint="Restore it from a backup, or choose another state folder with --state.",
        )
    if int(text) > FORMAT:
        raise StoreError(
            f"{str(path)!r} is the state folder of a newer wheelyard (format {text})",
            hint="Install that wheelyard or a newer one, or choose another state folder with --state.",
        )


def _check_unused(path: Path) -> None:
    """Raise StoreError where a folder without a marker holds something of somebody else's."""
    ours = {*FOLDERS, MARKER, *_NOBODYS}
    foreign = sorted(
        entry.name
        for entry in path.iterdir()
        if entry.name not in ours and not entry.name.startswith((f".{MARKER}", _DATABASE))
    )
    if foreign:
        raise StoreError(
            f"{str(path)!r} is not a state folder: it holds {foreign[0]!r}",
            hint="Name an empty folder, or one that wheelyard made, with --state.",
        )


def _write_marker(marker: Path) -> None:
    """Write the marker whole: a full disk must not leave an empty one behind."""
    temporary = marker.with_name(f".{MARKER}-{secrets.token_hex(4)}")
    try:
        temporary.write_text(f"{FORMAT}\n", encoding="ascii")
        temporary.replace(marker)
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
