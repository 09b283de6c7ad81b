"""What Alembic runs around the scripts; the connection and its transaction are the caller's."""

from alembic import context

from wheelyard.store.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
)
context.run_migrations()
