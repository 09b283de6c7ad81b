"""The conda channel: its packages, and which of them a snapshot holds."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "conda_packages",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("subdir", sa.Text, nullable=False),
        sa.Column("filename", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("build", sa.Text, nullable=False),
        sa.Column("build_number", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("md5", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("about", sa.Text, nullable=False),
        sa.Column("run_exports", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("build_key", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("removed", sa.Text),
        sa.Column("there", sa.Boolean, nullable=False),
        sa.Column("change", sa.BigInteger, nullable=False),
    )
    op.create_index(
        "conda_packages_by_place", "conda_packages", ["filename", "subdir"], unique=True
    )
    op.create_index("conda_packages_by_digest", "conda_packages", ["digest"])
    op.create_index("conda_packages_by_change", "conda_packages", ["change"])
    op.create_table(
        "snapshot_packages",
        sa.Column("snapshot", _NUMBER, sa.ForeignKey("snapshots.id"), primary_key=True),
        sa.Column("package", _NUMBER, sa.ForeignKey("conda_packages.id"), primary_key=True),
        sa.Column("removed", sa.Text),
    )
    op.create_index("snapshot_packages_by_package", "snapshot_packages", ["package"])
