"""What each sensor read in the record a model version was trained on: its unit, and how far its readings went.

Trees know no units, and beyond the farthest value they learned from their answer stays the same however far a reading
goes. So a version keeps both: another unit is refused, readings it never met are told beside the risk.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pdm_desktop.core.features import MachineHistory
from pdm_desktop.core.ingest import units
from pdm_desktop.core.schema import Sensor

KEY = "sensors"
BEYOND = 0.001
"""Share of the readings left out at either end: a single wild value must not widen what was learned from."""
_MOST = 1_000_000
"""So many readings of a sensor at most, spread over the record, tell its range."""


@dataclass(frozen=True)
class Learned:
    """One sensor's unit ("" = not known) and the range of its readings, both in the record trained on."""

    unit: str
    low: float
    high: float


def of_record(
    histories: Iterable[MachineHistory], sensors: Sequence[str], unit_of: Mapping[str, str], until: int
) -> dict[str, dict[str, Any]]:
    """sensor -> unit, low and high over the readings up to `until` (ms UTC), as JSON keeps it; sensors without any
    reading are left out. unit_of: sensor (names compare without case) -> unit."""
    units_known = {name.casefold(): unit for name, unit in unit_of.items()}
    machines = list(histories)
    found: dict[str, dict[str, Any]] = {}
    for sensor in sensors:
        parts = []
        for history in machines:
            when, values = history.readings_of(sensor)
            parts.append(values[: int(np.searchsorted(when, until, "right"))])
        every = -(-sum(map(len, parts)) // _MOST) or 1
        values = np.concatenate([part[::every] for part in parts]) if parts else np.empty(0)
        if len(values):
            low, high = np.quantile(values, [BEYOND, 1 - BEYOND])
            found[sensor] = {"unit": units_known.get(sensor.casefold(), ""), "low": float(low), "high": float(high)}
    return found


def read(facts: Mapping[str, Any]) -> dict[str, Learned]:
    """What a version keeps of its sensors, by their names in lower case; nothing for one of an earlier release.

    ValueError where it has another form: it may come from a file.
    """
    kept = facts.get(KEY, {})
    if not isinstance(kept, dict):
        raise ValueError("it says nothing usable of its sensors")
    found = {}
    for name, how in kept.items():
        unit, low, high = (how.get(key) for key in ("unit", "low", "high")) if isinstance(how, dict) else (None,) * 3
        numbers = [v for v in (low, high) if isinstance(v, int | float) and math.isfinite(v)]
        if not isinstance(unit, str) or len(numbers) < 2:
            raise ValueError(f"it says nothing usable of its sensor {name}")
        found[name.casefold()] = Learned(unit, float(numbers[0]), float(numbers[1]))
    return found


def other_units(learned: Mapping[str, Learned], sensors: Iterable[Sensor]) -> tuple[str, ...]:
    """Each sensor of the plant whose unit is known to be another than the version's, in words."""
    return tuple(
        f"{sensor.name}: {known.unit} there, {sensor.unit} here"
        for sensor in sensors
        if (known := learned.get(sensor.name.casefold())) is not None and units.differ(known.unit, sensor.unit)
    )
