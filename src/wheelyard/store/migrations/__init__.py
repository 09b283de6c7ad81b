"""The way of a database from each revision to the next (Alembic)."""
