"""The five record kinds, their columns, and the names under which files call them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["machines", "telemetry", "errors", "maintenance", "failures"]

KINDS: tuple[Kind, ...] = ("machines", "telemetry", "errors", "maintenance", "failures")
"""In the order a folder is imported: machines first."""

EVENT_KINDS: tuple[Kind, ...] = ("errors", "maintenance", "failures")

EVENT_LABEL: dict[Kind, str] = {"errors": "code", "maintenance": "component", "failures": "component"}
"""The column of an event frame that says what happened."""

ALIASES: dict[str, str] = {
    "datetime": "timestamp",
    "timestamp": "timestamp",
    "time": "timestamp",
    "date_time": "timestamp",
    "machineid": "machine",
    "machine_id": "machine",
    "machine": "machine",
    "errorid": "error",
    "error_id": "error",
    "error": "error",
    "errorcode": "error",
    "error_code": "error",
    "code": "error",
    "comp": "component",
    "component": "component",
    "failure": "failure",
    "model": "machine_model",
    "machine_model": "machine_model",
    "age": "age",
    "known": "known",
    "known_at": "known",
    "recorded_at": "known",
}
"""Canonical header names (lower case) to roles. `known`: when the record became known, where a file says so."""


MOST_SENSORS = 1_900
"""SQLite stops at 2,000 columns a table or result."""
MOST_MACHINES = 100_000
"""More names than a plant has machines come from a column that names no machines."""
MOST_LABELS = 100_000


@dataclass(frozen=True)
class Sensor:
    """One row of the sensor catalogue. `column` is its column in `telemetry`; limits are plausible values."""

    id: int
    name: str
    unit: str = ""
    low: float | None = None
    high: float | None = None

    @property
    def column(self) -> str:
        """The column of the telemetry table: s<id>."""
        return f"s{self.id}"
