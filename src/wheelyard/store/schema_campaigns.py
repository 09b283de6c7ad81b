"""The tables of campaigns: which there are, who is in them, and what became of each."""

from sqlalchemy import BigInteger, Column, Index, Table, Text

from wheelyard.store.schema_base import METADATA, NUMBER

CAMPAIGNS = Table(
    "campaigns",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("mode", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("detail", Text, nullable=False),
)

MEMBERS = Table(
    "campaign_members",
    METADATA,
    Column("campaign", Text, primary_key=True),
    Column("package", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("detail", Text, nullable=False),
    Index("campaign_members_by_package", "package"),
)

TURNS = Table(
    "campaign_turns",
    METADATA,
    Column("id", NUMBER, primary_key=True),
    Column("campaign", Text, nullable=False),
    Column("package", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Index("campaign_turns_by_campaign", "campaign", "id"),
    Index("campaign_turns_by_package", "package", "id"),
)

# What each source of new versions last said of a package.
SEEN_VERSIONS = Table(
    "seen_versions",
    METADATA,
    Column("package", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("version", Text, nullable=False),
    Column("current", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("again", BigInteger),
)
