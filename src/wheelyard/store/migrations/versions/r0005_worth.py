"""What the rank of a job was made of, for people."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what waits already says nothing more than its rank."""
    op.add_column("jobs", sa.Column("worth", sa.Text))
