"""The tables, in types that SQLite and PostgreSQL share; what a migration must lead to.

Moments are whole microseconds since 1970 in UTC, so that both engines keep and compare them alike.
Lists of words are JSON. Nothing imports this at run time but migrations and tests.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

METADATA = MetaData()

JOBS = Table(
    "jobs",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("project", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("uploaded", BigInteger),
    Column("state", Text, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("builder", Text, nullable=False),
    Column("lease_expires", BigInteger),
    Column("not_before", BigInteger),
    Column("counts", Text, nullable=False),
    Column("lost_by", Text, nullable=False),
    Column("refused_by", Text, nullable=False),
    Column("outcome", Text),
    Column("reason", Text, nullable=False),
    Column("accepted", Text, nullable=False),
    Column("artifact", Text, nullable=False),
    Column("changed", BigInteger),
    Index("jobs_by_project", "project"),
    Index("jobs_by_state", "state", "outcome"),
    Index("jobs_by_artifact", "artifact"),
)

ATTEMPTS = Table(
    "attempts",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("key", Text, ForeignKey("jobs.key"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("project", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("builder", Text, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("started", BigInteger, nullable=False),
    Column("finished", BigInteger),
    Column("outcome", Text),
    Column("counted", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("wall_seconds", Float, nullable=False),
    Column("report", Text),
    UniqueConstraint("key", "number", name="attempts_of_a_job_are_numbered"),
    Index("attempts_by_project", "project", "id"),
    Index("attempts_by_outcome", "outcome", "id"),
    Index("attempts_by_duration", "outcome", "project", "wall_seconds"),
)

ARTIFACTS = Table(
    "artifacts",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("filename", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("project", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("tags", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("requires_python", Text, nullable=False),
    Column("requires_dist", Text, nullable=False),
    Column("metadata_digest", Text, nullable=False),
    Column("build_key", Text, nullable=False),
    Column("target", Text),
    Column("source_digest", Text, nullable=False),
    Column("recipe_digest", Text, nullable=False),
    Column("created", BigInteger),
    Column("yanked", Text),
    Column("counts", Boolean, nullable=False),
    Column("published", Boolean, nullable=False),
    UniqueConstraint("build_key", "digest", name="artifacts_of_a_job_differ"),
    Index("artifacts_by_project", "project"),
    Index("artifacts_by_digest", "digest"),
    Index(
        "artifacts_one_visible_a_name",
        "filename",
        unique=True,
        sqlite_where=text("published"),
        postgresql_where=text("published"),
    ),
    Index(
        "artifacts_one_counts_a_job",
        "build_key",
        unique=True,
        sqlite_where=text("counts"),
        postgresql_where=text("counts"),
    ),
)

MEMORY = Table(
    "memory",
    METADATA,
    Column("kind", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)
