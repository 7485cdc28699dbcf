"""The runs of whose files some may be left, so that nobody looks for them among all that ever ran.

Triggers keep the table, whoever writes: services of the revision before go on.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0006", "0005"
branch_labels = None
depends_on = None

ID = sa.String(36).with_variant(sa.String(36, collation="C"), "postgresql")
FILL = """
INSERT INTO run_files (run_id, schedule_id) SELECT id, schedule_id FROM runs
WHERE (attempt > 0 OR release IS NOT NULL)
AND NOT EXISTS (SELECT 1 FROM prunings WHERE prunings.run_id = runs.id AND finished)
"""
TRIGGERS = {
    "sqlite": (
        """
CREATE TRIGGER run_files_of_new AFTER INSERT ON runs WHEN NEW.attempt > 0 OR NEW.release IS NOT NULL
BEGIN INSERT INTO run_files (run_id, schedule_id) VALUES (NEW.id, NEW.schedule_id); END
""",
        """
CREATE TRIGGER run_files_of_begun AFTER UPDATE OF attempt ON runs
WHEN OLD.attempt = 0 AND NEW.attempt > 0 AND NEW.release IS NULL
BEGIN INSERT INTO run_files (run_id, schedule_id) VALUES (NEW.id, NEW.schedule_id); END
""",
        """
CREATE TRIGGER run_files_gone AFTER UPDATE OF finished ON prunings WHEN NEW.finished
BEGIN DELETE FROM run_files WHERE run_id = NEW.run_id; END
""",
    ),
    "postgresql": (
        """
CREATE FUNCTION run_files_add() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO run_files (run_id, schedule_id) VALUES (NEW.id, NEW.schedule_id); RETURN NULL; END $$
""",
        """
CREATE FUNCTION run_files_remove() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN DELETE FROM run_files WHERE run_id = NEW.run_id; RETURN NULL; END $$
""",
        """
CREATE TRIGGER run_files_of_new AFTER INSERT ON runs FOR EACH ROW
WHEN (NEW.attempt > 0 OR NEW.release IS NOT NULL) EXECUTE FUNCTION run_files_add()
""",
        """
CREATE TRIGGER run_files_of_begun AFTER UPDATE OF attempt ON runs FOR EACH ROW
WHEN (OLD.attempt = 0 AND NEW.attempt > 0 AND NEW.release IS NULL) EXECUTE FUNCTION run_files_add()
""",
        """
CREATE TRIGGER run_files_gone AFTER UPDATE OF finished ON prunings FOR EACH ROW
WHEN (NEW.finished) EXECUTE FUNCTION run_files_remove()
""",
    ),
}


def upgrade() -> None:
    """Make the table, fill it, and have it kept."""
    op.create_table(
        "run_files",
        sa.Column("run_id", ID, sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("schedule_id", ID, nullable=False),
    )
    op.create_index("run_files_of_schedule", "run_files", ["schedule_id", "run_id"])
    op.execute(FILL)
    for trigger in TRIGGERS[op.get_bind().dialect.name]:
        op.execute(trigger)
