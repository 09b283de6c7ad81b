"""Which blobs the database names, and why: wheels, their METADATA and provenance, conda packages, and logs."""

from collections.abc import Sequence

import msgspec

from wheelyard.channel_ports import CONDA
from wheelyard.ports import Reference
from wheelyard.store.database import Connection, Database

_WHEELS = """
SELECT filename, digest, metadata_digest, provenance_digest, counts OR published OR EXISTS (
    SELECT 1 FROM jobs WHERE jobs.artifact = artifacts.digest
) OR EXISTS (
    SELECT 1 FROM snapshot_files WHERE snapshot_files.artifact = artifacts.id
) FROM artifacts
"""
_PACKAGES = "SELECT subdir, filename, digest FROM conda_packages WHERE there"
_REPORTS = "SELECT report FROM attempts WHERE report IS NOT NULL"


class _Log(msgspec.Struct):
    """What of a report names a log."""

    log_digest: str = ""
    calls_digest: str = ""


class StoredReferences:
    """Everything in the database that names a blob."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def all(self) -> Sequence[Reference]:
        """Return every reference; the same blob may have several."""
        return await self._database.read(_references)


def _references(connection: Connection) -> Sequence[Reference]:
    found = []
    for filename, digest, metadata, provenance, needed in connection.execute(_WHEELS):
        if provenance:
            found.append(
                Reference(
                    digest=provenance, kind="provenance", filename=filename, needed=bool(needed)
                )
            )
        for blob, kind in ((digest, "wheels"), (metadata, "metadata")):
            if blob:
                found.append(
                    Reference(
                        digest=blob,
                        kind=kind,
                        wheel=digest,
                        filename=filename,
                        needed=bool(needed),
                    )
                )
    for subdir, filename, digest in connection.execute(_PACKAGES):
        place = f"{subdir}/{filename}"
        found.append(Reference(digest=digest, kind=CONDA, filename=place, needed=True))
    decoder = msgspec.json.Decoder(_Log)
    for (report,) in connection.execute(_REPORTS):
        named = decoder.decode(report)
        digests = (named.log_digest, named.calls_digest)
        found += [Reference(digest=digest, kind="logs") for digest in digests if digest]
    return found
