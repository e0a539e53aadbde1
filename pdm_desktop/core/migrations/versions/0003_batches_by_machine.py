"""Which batches mention a machine or a sensor is asked by machine and sensor: on thousands that took minutes."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Index both lists the other way round."""
    op.create_index("batch_machine_by_machine", "batch_machine", ["machine"])
    op.create_index("batch_sensor_by_sensor", "batch_sensor", ["sensor"])
