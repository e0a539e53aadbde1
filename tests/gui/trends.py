"""Generated views of one machine for the plots and pages: hourly readings whose values can be worked out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pdm_desktop.core import times
from pdm_desktop.core.results import Event, MachineView, Reason, SensorTrace
from tests.gui import plant

END = plant.AS_OF
UNITS = (("torque", "Nm"), ("flow", "l/s"), ("motor temperature", "°C"), ("noise", ""))
EVENTS = (
    Event("errors", END - 18 * times.HOUR, "E2"),
    Event("errors", END - 18 * times.HOUR, "E3"),
    Event("errors", END - 5 * times.DAY, "E1"),
    Event("maintenance", END - 10 * times.DAY, "pump"),
    Event("failures", END - 10 * times.DAY, "pump"),
)


def trace(name: str, unit: str, at: np.ndarray, level: float) -> SensorTrace:
    """Readings that rise by one an hour of the day from `level`: at 14:00 UTC the value is level + 14."""
    values = level + (at // times.HOUR % 24).astype(np.float64)
    return SensorTrace(name, unit, at, values, at[23:], np.full(max(0, len(at) - 23), level + 11.5), level, level + 23)


def view(machine: str = "15", days: float = 14, sensors: int = 4, end: int = END, zone: str = "UTC") -> MachineView:
    """`days` of hourly readings up to `end`; the risk is 1 % but 94 % in the last 18 hours."""
    start = end - round(days * times.DAY)
    at = np.arange(start, end, times.HOUR, dtype=np.int64)
    names = [(name if i < 4 else f"{name} {i // 4 + 1}", unit) for i in range(sensors) for name, unit in [UNITS[i % 4]]]
    grid = np.arange(start, end + 1, times.HOUR, dtype=np.int64)
    state = replace(
        plant.machine(machine, 0.94, "alarm", change=0.93, components={"belt": 0.01, "pump": 0.93}),
        reasons=(Reason("a", "torque averaged 366 over 24 h; usual 448 ± 9", 3.0), Reason("b", "noise as usual", -0.5)),
        as_of=end,
        last_reading=end - times.HOUR,
        data_age_h=1.0,
    )
    return MachineView(
        state=state,
        time_zone=zone,
        horizon_h=24.0,
        model=plant.MODEL,
        start=start,
        end=end,
        first_reading=end - 90 * times.DAY,
        sensors=tuple(trace(name, unit, at, 100.0 * (i + 1)) for i, (name, unit) in enumerate(names)),
        events=tuple(event for event in EVENTS if start <= event.time <= end),
        risk_times=grid,
        risk=np.where(grid >= end - 18 * times.HOUR, 0.94, 0.01),
        alarm_since=end - 18 * times.HOUR,
        last_failure=EVENTS[-1],
    )


def silent(shown: MachineView) -> MachineView:
    """The same span without a single reading."""
    none = np.empty(0, np.int64)
    empty = tuple(
        replace(one, times=none, values=np.empty(0), mean_times=none, mean=np.empty(0)) for one in shown.sensors
    )
    return replace(shown, sensors=empty)
