"""The history of imports says how a file was read and where its rejects are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Imports made before say neither: their values are empty, and no single value of theirs counts as rejected."""
    op.add_column("batch", sa.Column("profile", sa.Text, nullable=False, server_default=""))
    op.add_column("batch", sa.Column("rejects", sa.Text, nullable=False, server_default=""))
    op.add_column("batch", sa.Column("rejected_values", sa.Integer, nullable=False, server_default="0"))
