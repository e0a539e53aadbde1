"""The alarms that were shown while they were still a forecast, with when each was worked out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the list, empty: of the risks kept so far nobody knows when they were worked out."""
    op.create_table(
        "alarm_shown",
        sa.Column("machine", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("time", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("model_run", sa.Integer, sa.ForeignKey("model_run.id"), primary_key=True, autoincrement=False),
        sa.Column("component", sa.Text, nullable=False),
        sa.Column("scored_at", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
