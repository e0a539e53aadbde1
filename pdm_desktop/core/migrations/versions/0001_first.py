"""The first schema: catalogue, batches, record, claims, conflicts, risks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.Integer, primary_key=True)


def _key(name: str, refers: str | None = None) -> sa.Column[int]:
    extra = [sa.ForeignKey(refers)] if refers else []
    return sa.Column(name, sa.Integer, *extra, primary_key=True, autoincrement=False)


def _text(name: str, default: str | None = None, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable, server_default=default)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default="0")


def upgrade() -> None:
    """Create everything."""
    op.create_table("machine", _id(), sa.Column("name", sa.Text, nullable=False, unique=True), _count("readings"))
    op.create_table("label", _id(), sa.Column("name", sa.Text, nullable=False, unique=True))
    op.create_table(
        "sensor",
        _id(),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        _text("unit", ""),
        sa.Column("low", sa.REAL),
        sa.Column("high", sa.REAL),
    )
    op.create_table(
        "batch",
        _id(),
        _text("file"),
        _text("sha256"),
        _text("kind"),
        sa.Column("imported_at", sa.Integer, nullable=False),
        _count("accepted"),
        _count("unchanged"),
        _count("duplicates"),
        _count("conflicts"),
        _count("rejected"),
        sa.Column("undone_at", sa.Integer),
    )
    op.create_table(
        "batch_machine",
        _key("batch", "batch.id"),
        _key("machine", "machine.id"),
        sa.Column("first", sa.Integer),
        sa.Column("last", sa.Integer),
        sqlite_with_rowid=False,
    )
    op.create_table("batch_sensor", _key("batch", "batch.id"), _key("sensor", "sensor.id"), sqlite_with_rowid=False)
    op.create_table("origin", _id(), _count("rows"))
    op.create_table("origin_batch", _key("origin", "origin.id"), _key("batch", "batch.id"), sqlite_with_rowid=False)
    for name, keys, cells in (
        ("telemetry", ("machine", "time"), ()),
        ("errors", ("machine", "time", "code"), ("known",)),
        ("maintenance", ("machine", "time", "component"), ("known",)),
        ("failures", ("machine", "time", "component"), ("known",)),
        ("attribute", ("machine",), ("machine_model", "age")),
    ):
        for suffix, extra in (("", ()), ("_claim", ("batch",))):
            op.create_table(
                name + suffix,
                *(_key(key) for key in keys + extra),
                *([] if suffix else [sa.Column("origin", sa.Integer, nullable=False)]),
                *(sa.Column(cell, sa.REAL if cell == "age" else sa.Integer) for cell in cells),
                sqlite_with_rowid=False,
            )
    op.create_table(
        "conflict",
        _id(),
        sa.Column("batch", sa.Integer, sa.ForeignKey("batch.id"), nullable=False, index=True),
        sa.Column("line", sa.Integer, nullable=False),
        sa.Column("machine", sa.Integer, nullable=False),
        sa.Column("time", sa.Integer),
        sa.Column("label", sa.Integer),
        _text("cell"),
        sa.Column("old", sa.REAL, nullable=False),
        sa.Column("new", sa.REAL, nullable=False),
    )
    op.create_table(
        "model_run",
        _id(),
        sa.Column("run_id", sa.Text, nullable=False, unique=True),
        _text("model_version"),
        sa.Column("feature_version", sa.Integer, nullable=False),
        _text("components"),
        sa.Column("saved_at", sa.Integer, nullable=False),
    )
    op.create_table(
        "risk",
        _key("model_run", "model_run.id"),
        _key("machine"),
        _key("time"),
        sa.Column("risk", sa.REAL),
        sqlite_with_rowid=False,
    )
