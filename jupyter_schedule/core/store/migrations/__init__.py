"""The steps that bring a database from an older shape to today's."""

#: the newest revision, so that a database in today's shape is known without loading Alembic
HEAD = "0010"
