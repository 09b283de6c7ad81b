"""The tables, in types that SQLite and PostgreSQL share; what a migration must lead to.

Moments are whole microseconds since 1970 in UTC, so that both engines keep and compare them alike.
Lists of words are JSON. Nothing imports this at run time but migrations and tests.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from wheelyard.store import schema_campaigns, schema_channel, schema_site
from wheelyard.store.schema_base import METADATA, NUMBER

__all__ = ["METADATA"]

# What the site asks is in tables of its own.
_OF_THE_SITE = (schema_site.CELLS, schema_site.KNOWN_PROJECTS, schema_site.ASKERS)
# And so is what campaigns keep.
_OF_CAMPAIGNS = (
    schema_campaigns.CAMPAIGNS,
    schema_campaigns.MEMBERS,
    schema_campaigns.TURNS,
    schema_campaigns.SEEN_VERSIONS,
)
# And the conda channel.
_OF_THE_CHANNEL = (schema_channel.PACKAGES, schema_channel.SNAPSHOT_PACKAGES)

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
    # What follows is null where nobody submitted the job. ``open``: it may be chosen now; ``wake``: when
    # it may be, where that is later.
    Column("pool", Text),
    Column("owner", Text),
    Column("rank", BigInteger),
    Column("submitted", BigInteger),
    Column("worth", Text),
    Column("open", Boolean, nullable=False, server_default=false()),
    Column("wake", BigInteger),
    Index(
        "jobs_in_order",
        *("pool", "owner", "rank", "submitted", "key"),
        sqlite_where=text("open"),
        postgresql_where=text("open"),
    ),
    Index(
        "jobs_leased",
        "key",
        sqlite_where=text("state = 'leased'"),
        postgresql_where=text("state = 'leased'"),
    ),
    Index(
        "jobs_asleep",
        "wake",
        sqlite_where=text("wake IS NOT NULL"),
        postgresql_where=text("wake IS NOT NULL"),
    ),
    Index(
        "jobs_refused",
        "key",
        sqlite_where=text("state = 'ready' AND refused_by <> '[]'"),
        postgresql_where=text("state = 'ready' AND refused_by <> '[]'"),
    ),
    Index("jobs_by_project", "project"),
    Index("jobs_by_state", "state", "outcome"),
    Index("jobs_by_artifact", "artifact"),
    Index("jobs_by_change", "changed"),
    Index(
        "jobs_failed",
        "changed",
        sqlite_where=text("state = 'done' AND outcome = 'failed'"),
        postgresql_where=text("state = 'done' AND outcome = 'failed'"),
    ),
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
    Column("cpu_seconds", Float, nullable=False, server_default=text("0")),
    Column("log_bytes", BigInteger, nullable=False, server_default=text("0")),
    UniqueConstraint("key", "number", name="attempts_of_a_job_are_numbered"),
    Index("attempts_by_project", "project", "id"),
    Index("attempts_by_outcome", "outcome", "id"),
    Index("attempts_by_duration", "outcome", "project", "wall_seconds"),
    # What follows holds all that reports count, so that no row with its long report is read for them.
    Index("attempts_by_end", "finished", "outcome"),
    Index("attempts_by_cost", "project", "cpu_seconds", "log_bytes"),
    Index(
        "attempts_failed",
        "key",
        sqlite_where=text("outcome = 'failed'"),
        postgresql_where=text("outcome = 'failed'"),
    ),
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
    Column("provenance_digest", Text, nullable=False, server_default=""),
    UniqueConstraint("build_key", "digest", name="artifacts_of_a_job_differ"),
    Index("artifacts_by_project", "project"),
    Index("artifacts_by_digest", "digest"),
    Index("artifacts_by_size", "origin", "published", "digest", "size"),
    Index(
        "artifacts_by_age",
        "created",
        sqlite_where=text("published"),
        postgresql_where=text("published"),
    ),
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

# ``change`` is the number of the index's last change in which the project had a part.
PROJECTS = Table(
    "projects",
    METADATA,
    Column("project", Text, primary_key=True),
    Column("change", BigInteger, nullable=False),
    Column("listed", Boolean, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Index("projects_by_change", "change"),
)

SNAPSHOTS = Table(
    "snapshots",
    METADATA,
    Column("id", NUMBER, primary_key=True),
    Column("created", BigInteger, nullable=False),
    Column("files", Integer, nullable=False),
    Column("projects", Integer, nullable=False),
    Column("removed", Boolean, nullable=False),
)

SNAPSHOT_FILES = Table(
    "snapshot_files",
    METADATA,
    Column("snapshot", NUMBER, ForeignKey("snapshots.id"), primary_key=True),
    Column("project", Text, primary_key=True),
    Column("artifact", Integer, ForeignKey("artifacts.id"), primary_key=True),
    Column("yanked", Text),
    Index("snapshot_files_by_artifact", "artifact"),
)

SNAPSHOT_NAMES = Table(
    "snapshot_names",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("snapshot", NUMBER, ForeignKey("snapshots.id"), nullable=False),
    Column("earlier", Text, nullable=False),
    Column("changed", BigInteger, nullable=False),
)

MEMORY = Table(
    "memory",
    METADATA,
    Column("kind", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

OFFERS = Table(
    "offers",
    METADATA,
    Column("key", Text, ForeignKey("jobs.key"), primary_key=True),
    Column("offer", Text, nullable=False),
    Column("request", Text, nullable=False),
    Column("context", LargeBinary, nullable=False),
)

POOLS = Table(
    "pools",
    METADATA,
    Column("pool", Text, primary_key=True),
    Column("needs", Text, nullable=False),
)

# How many jobs of an owner wait and run in a pool is the sum of its rows: nobody waits for anybody
# to count one more.
POOL_CHANGES = Table(
    "pool_changes",
    METADATA,
    Column("id", NUMBER, primary_key=True),
    Column("pool", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("waiting", Integer, nullable=False),
    Column("running", Integer, nullable=False),
)

JOB_REQUESTS = Table(
    "job_requests",
    METADATA,
    Column("key", Text, ForeignKey("jobs.key"), primary_key=True),
    Column("request", Text, primary_key=True),
    Column("joined", BigInteger, nullable=False),
    Index("job_requests_by_request", "request"),
)

REQUESTS = Table(
    "requests",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("text", LargeBinary, nullable=False),
    Column("digest", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("ended", BigInteger),
    Index(
        "requests_one_open_a_digest",
        "digest",
        unique=True,
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
    Index("requests_by_age", "created", "id"),
    Index("requests_by_state", "state", "created", "id"),
    Index("requests_by_owner", "owner", "created", "id"),
)

WAITERS = Table(
    "waiters",
    METADATA,
    Column("request", Text, ForeignKey("requests.id"), primary_key=True),
    Column("address", Text, primary_key=True),
    Column("number", Integer, nullable=False),
)

NOTICES = Table(
    "notices",
    METADATA,
    Column("id", NUMBER, primary_key=True),
    Column("request", Text, ForeignKey("requests.id"), nullable=False),
    Column("address", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("due", BigInteger),
    Column("reason", Text, nullable=False),
    Index(
        "notices_in_order",
        *("due", "id"),
        sqlite_where=text("due IS NOT NULL"),
        postgresql_where=text("due IS NOT NULL"),
    ),
)

BUILDERS = Table(
    "builders",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("tier", Text, nullable=False),
    Column("facts", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("session", Text, nullable=False),
    Column("health", Text, nullable=False),
    Column("streak", Integer, nullable=False),
    Column("enrolled", BigInteger),
    Column("heard", BigInteger),
)

TOKENS = Table(
    "tokens",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("secret_digest", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger),
    Column("tier", Text),
    Column("note", Text, nullable=False),
    Column("revoked", Boolean, nullable=False),
    Index("tokens_by_subject", "role", "subject"),
)

HAPPENINGS = Table(
    "happenings",
    METADATA,
    Column("id", NUMBER, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Index("happenings_by_subject", "subject", "id"),
)

# Only PostgreSQL's connections write here (``store.postgres``).
COMMITS = Table(
    "commits",
    METADATA,
    Column("session", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)
