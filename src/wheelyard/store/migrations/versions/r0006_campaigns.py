"""Campaigns, who is in them and what became of each, and what was said of new versions."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "campaigns",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.create_table(
        "campaign_members",
        sa.Column("campaign", sa.Text, primary_key=True),
        sa.Column("package", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("changed", sa.BigInteger, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.create_index("campaign_members_by_package", "campaign_members", ["package"])
    op.create_table(
        "campaign_turns",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("campaign", sa.Text, nullable=False),
        sa.Column("package", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_index("campaign_turns_by_campaign", "campaign_turns", ["campaign", "id"])
    op.create_index("campaign_turns_by_package", "campaign_turns", ["package", "id"])
    op.create_table(
        "seen_versions",
        sa.Column("package", sa.Text, primary_key=True),
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("current", sa.Text, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("again", sa.BigInteger),
    )
