"""The queue of a farm, its requests, builders, tokens and events."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add the queue to the jobs, and the tables of a farm."""
    _queue()
    _offers()
    _requests()
    _notices()
    _builders()
    _tokens()
    _happenings()
    _commits()


def _partial(
    name: str, table: str, columns: list[str], where: str, *, unique: bool = False
) -> None:
    op.create_index(
        name,
        table,
        columns,
        unique=unique,
        sqlite_where=sa.text(where),
        postgresql_where=sa.text(where),
    )


def _queue() -> None:
    op.add_column("jobs", sa.Column("pool", sa.Text))
    op.add_column("jobs", sa.Column("owner", sa.Text))
    op.add_column("jobs", sa.Column("rank", sa.BigInteger))
    op.add_column("jobs", sa.Column("submitted", sa.BigInteger))
    op.add_column("jobs", sa.Column("open", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("jobs", sa.Column("wake", sa.BigInteger))
    order = ["pool", "owner", "rank", "submitted", "key"]
    _partial("jobs_in_order", "jobs", order, "open")
    _partial("jobs_leased", "jobs", ["key"], "state = 'leased'")
    _partial("jobs_asleep", "jobs", ["wake"], "wake IS NOT NULL")
    _partial("jobs_refused", "jobs", ["key"], "state = 'ready' AND refused_by <> '[]'")


def _offers() -> None:
    op.create_table(
        "offers",
        sa.Column("key", sa.Text, sa.ForeignKey("jobs.key"), primary_key=True),
        sa.Column("offer", sa.Text, nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("context", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "pools",
        sa.Column("pool", sa.Text, primary_key=True),
        sa.Column("needs", sa.Text, nullable=False),
    )
    op.create_table(
        "pool_changes",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("pool", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("waiting", sa.Integer, nullable=False),
        sa.Column("running", sa.Integer, nullable=False),
    )


def _requests() -> None:
    op.create_table(
        "job_requests",
        sa.Column("key", sa.Text, sa.ForeignKey("jobs.key"), primary_key=True),
        sa.Column("request", sa.Text, primary_key=True),
        sa.Column("joined", sa.BigInteger, nullable=False),
    )
    op.create_index("job_requests_by_request", "job_requests", ["request"])
    op.create_table(
        "requests",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("text", sa.LargeBinary, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("ended", sa.BigInteger),
    )
    _partial("requests_one_open_a_digest", "requests", ["digest"], "state = 'open'", unique=True)
    op.create_index("requests_by_age", "requests", ["created", "id"])
    op.create_index("requests_by_state", "requests", ["state", "created", "id"])
    op.create_index("requests_by_owner", "requests", ["owner", "created", "id"])


def _notices() -> None:
    op.create_table(
        "waiters",
        sa.Column("request", sa.Text, sa.ForeignKey("requests.id"), primary_key=True),
        sa.Column("address", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
    )
    op.create_table(
        "notices",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("request", sa.Text, sa.ForeignKey("requests.id"), nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("due", sa.BigInteger),
        sa.Column("reason", sa.Text, nullable=False),
    )
    _partial("notices_in_order", "notices", ["due", "id"], "due IS NOT NULL")


def _builders() -> None:
    op.create_table(
        "builders",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("tier", sa.Text, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("session", sa.Text, nullable=False),
        sa.Column("health", sa.Text, nullable=False),
        sa.Column("streak", sa.Integer, nullable=False),
        sa.Column("enrolled", sa.BigInteger),
        sa.Column("heard", sa.BigInteger),
    )


def _tokens() -> None:
    op.create_table(
        "tokens",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("secret_digest", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger),
        sa.Column("tier", sa.Text),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("revoked", sa.Boolean, nullable=False),
    )
    op.create_index("tokens_by_subject", "tokens", ["role", "subject"])


def _happenings() -> None:
    op.create_table(
        "happenings",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.create_index("happenings_by_subject", "happenings", ["subject", "id"])


def _commits() -> None:
    op.create_table(
        "commits",
        sa.Column("session", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
