"""The tables of the conda channel."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Table, Text

from wheelyard.store.schema_base import METADATA, NUMBER

# ``change`` is the number of the channel's last change in which the package had a part. No row ever goes: a
# name keeps its bytes, even while these are lost.
PACKAGES = Table(
    "conda_packages",
    METADATA,
    Column("id", NUMBER, primary_key=True),
    Column("subdir", Text, nullable=False),
    Column("filename", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("build", Text, nullable=False),
    Column("build_number", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
    Column("md5", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("record", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("run_exports", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("build_key", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("removed", Text),
    Column("there", Boolean, nullable=False),
    Column("change", BigInteger, nullable=False),
    Index("conda_packages_by_place", "filename", "subdir", unique=True),
    Index("conda_packages_by_digest", "digest"),
    Index("conda_packages_by_change", "change"),
)

SNAPSHOT_PACKAGES = Table(
    "snapshot_packages",
    METADATA,
    Column("snapshot", NUMBER, ForeignKey("snapshots.id"), primary_key=True),
    Column("package", NUMBER, ForeignKey("conda_packages.id"), primary_key=True),
    Column("removed", Text),
    Index("snapshot_packages_by_package", "package"),
)
