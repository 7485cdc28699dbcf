"""Alembic's entry: run the migrations on the connection that `migrate.migrate` hands over, in its transaction."""

from alembic import context

from jupyter_schedule.core.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
