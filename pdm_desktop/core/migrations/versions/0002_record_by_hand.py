"""The record by hand: who changed what and why, deleted events, other names, periods, retired machines."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables of edits beside the imported record, which they never touch."""
    op.create_table(
        "edit",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.Integer, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("machine", sa.Integer, index=True),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("after", sa.Text, nullable=False),
        sa.Column("batch", sa.Integer, sa.ForeignKey("batch.id")),
        sa.Column("undone_at", sa.Integer),
        sa.Column("undone_by", sa.Text),
    )
    # What an edit says of an event: it is there (1) or it is not (0). The newest edit not undone holds.
    op.create_table(
        "edit_event",
        sa.Column("edit", sa.Integer, sa.ForeignKey("edit.id"), primary_key=True, autoincrement=False),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("machine", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("time", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("label", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("there", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    # Events that are not shown, whatever imports say of them.
    op.create_table(
        "struck",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("machine", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("time", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("label", sa.Integer, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
    # Former names of machines and sensors, under which files may still bring them.
    op.create_table(
        "alias",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("id", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "period",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("machine", sa.Integer, nullable=False, index=True),
        sa.Column("start", sa.Integer, nullable=False),
        sa.Column("end", sa.Integer),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("edit", sa.Integer, sa.ForeignKey("edit.id"), nullable=False),
        sa.Column("removed_by", sa.Integer, sa.ForeignKey("edit.id")),
    )
    op.create_table(
        "rule",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("machine", sa.Integer),
        sa.Column("sensor", sa.Integer, sa.ForeignKey("sensor.id"), nullable=False),
        sa.Column("above", sa.Integer, nullable=False),
        sa.Column("value", sa.REAL, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("edit", sa.Integer, sa.ForeignKey("edit.id"), nullable=False),
        sa.Column("removed_by", sa.Integer, sa.ForeignKey("edit.id")),
    )
    op.add_column("machine", sa.Column("retired", sa.Integer))
