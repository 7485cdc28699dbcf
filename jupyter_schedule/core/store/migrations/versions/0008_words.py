"""Words on their way to channels, and when it is judged whether a schedule has been silent for too long."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

UTC_TEXT = sa.String(20).with_variant(sa.String(20, collation="C"), "postgresql")


def upgrade() -> None:
    """Nobody wrote to the outbox before; versions that ask for words are left alone by older code."""
    op.add_column("schedules", sa.Column("silence_due", UTC_TEXT))
    op.create_index("schedules_silence", "schedules", ["silence_due"])
    for column in (
        sa.Column("channel", sa.String(64), nullable=False, server_default=""),
        sa.Column("message_id", sa.String(36), nullable=False, server_default=""),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("next_try", UTC_TEXT),
        sa.Column("given_up_at", UTC_TEXT),
        sa.Column("trouble", sa.Text),
    ):
        op.add_column("outbox", column)
    op.create_index("outbox_waiting", "outbox", ["next_try"])
