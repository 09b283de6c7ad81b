"""Provenance of wheels, projects as the index lists them, and snapshots."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_FILL = """
INSERT INTO projects (project, change, listed, status, reason)
SELECT project, 1, TRUE, 'active', '' FROM artifacts WHERE published GROUP BY project
"""


def upgrade() -> None:
    """Add what the index needs to know what changed, and what was."""
    empty = sa.Column("provenance_digest", sa.Text, nullable=False, server_default="")
    op.add_column("artifacts", empty)
    op.create_table(
        "projects",
        sa.Column("project", sa.Text, primary_key=True),
        sa.Column("change", sa.BigInteger, nullable=False),
        sa.Column("listed", sa.Boolean, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_index("projects_by_change", "projects", ["change"])
    op.execute(_FILL)
    _snapshots()


def _snapshots() -> None:
    op.create_table(
        "snapshots",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("files", sa.Integer, nullable=False),
        sa.Column("projects", sa.Integer, nullable=False),
        sa.Column("removed", sa.Boolean, nullable=False),
    )
    op.create_table(
        "snapshot_files",
        sa.Column("snapshot", _NUMBER, sa.ForeignKey("snapshots.id"), primary_key=True),
        sa.Column("project", sa.Text, primary_key=True),
        sa.Column("artifact", sa.Integer, sa.ForeignKey("artifacts.id"), primary_key=True),
        sa.Column("yanked", sa.Text),
    )
    op.create_index("snapshot_files_by_artifact", "snapshot_files", ["artifact"])
    op.create_table(
        "snapshot_names",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("snapshot", _NUMBER, sa.ForeignKey("snapshots.id"), nullable=False),
        sa.Column("earlier", sa.Text, nullable=False),
        sa.Column("changed", sa.BigInteger, nullable=False),
    )
