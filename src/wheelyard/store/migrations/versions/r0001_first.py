"""Jobs, attempts, artifacts and memory."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the first tables."""
    _jobs()
    _attempts()
    _artifacts()
    _memory()


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("uploaded", sa.BigInteger),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("builder", sa.Text, nullable=False),
        sa.Column("lease_expires", sa.BigInteger),
        sa.Column("not_before", sa.BigInteger),
        sa.Column("counts", sa.Text, nullable=False),
        sa.Column("lost_by", sa.Text, nullable=False),
        sa.Column("refused_by", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("accepted", sa.Text, nullable=False),
        sa.Column("artifact", sa.Text, nullable=False),
        sa.Column("changed", sa.BigInteger),
    )
    op.create_index("jobs_by_project", "jobs", ["project"])
    op.create_index("jobs_by_state", "jobs", ["state", "outcome"])
    op.create_index("jobs_by_artifact", "jobs", ["artifact"])


def _attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.Text, sa.ForeignKey("jobs.key"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("builder", sa.Text, nullable=False),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("started", sa.BigInteger, nullable=False),
        sa.Column("finished", sa.BigInteger),
        sa.Column("outcome", sa.Text),
        sa.Column("counted", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("wall_seconds", sa.Float, nullable=False),
        sa.Column("report", sa.Text),
        sa.UniqueConstraint("key", "number", name="attempts_of_a_job_are_numbered"),
    )
    op.create_index("attempts_by_project", "attempts", ["project", "id"])
    op.create_index("attempts_by_outcome", "attempts", ["outcome", "id"])
    op.create_index("attempts_by_duration", "attempts", ["outcome", "project", "wall_seconds"])


def _artifacts() -> None:
    op.create_table(
        "artifacts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("filename", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("requires_python", sa.Text, nullable=False),
        sa.Column("requires_dist", sa.Text, nullable=False),
        sa.Column("metadata_digest", sa.Text, nullable=False),
        sa.Column("build_key", sa.Text, nullable=False),
        sa.Column("target", sa.Text),
        sa.Column("source_digest", sa.Text, nullable=False),
        sa.Column("recipe_digest", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger),
        sa.Column("yanked", sa.Text),
        sa.Column("counts", sa.Boolean, nullable=False),
        sa.Column("published", sa.Boolean, nullable=False),
        sa.UniqueConstraint("build_key", "digest", name="artifacts_of_a_job_differ"),
    )
    op.create_index(
        "artifacts_one_visible_a_name",
        "artifacts",
        ["filename"],
        unique=True,
        sqlite_where=sa.text("published"),
        postgresql_where=sa.text("published"),
    )
    op.create_index(
        "artifacts_one_counts_a_job",
        "artifacts",
        ["build_key"],
        unique=True,
        sqlite_where=sa.text("counts"),
        postgresql_where=sa.text("counts"),
    )
    op.create_index("artifacts_by_project", "artifacts", ["project"])
    op.create_index("artifacts_by_digest", "artifacts", ["digest"])


def _memory() -> None:
    op.create_table(
        "memory",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("value", sa.LargeBinary, nullable=False),
    )
