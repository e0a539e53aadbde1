"""Hand-made results for the pages: the plant of the drawn targets."""

from __future__ import annotations

import numpy as np

from pdm_desktop.core import times
from pdm_desktop.core.results import Band, Fleet, MachineRisk, ModelInfo, Reason

AS_OF = times.parse("2015-01-20 00:00", "UTC")
THRESHOLD = 0.38
MODEL = ModelInfo("risk", "3", "7f3a0c", 2, 24.0, THRESHOLD)


def machine(
    name: str,
    risk: float | None,
    band: Band,
    *,
    make: str = "model3",
    age: float | None = 14,
    change: float | None = 0.0,
    components: dict[str, float] | None = None,
    reason: str = "",
    note: str = "",
    data_age_h: float | None = 1.0,
) -> MachineRisk:
    """One machine's state at AS_OF with fourteen hourly days of history that end at `risk`."""
    at = np.arange(AS_OF - 14 * times.DAY, AS_OF + 1, times.HOUR, dtype=np.int64)
    noise = 0.01 * np.abs(np.sin(np.arange(len(at)) * (1.7 + len(name))))
    ramp = np.clip((np.arange(len(at)) - len(at) + 30) / 29, 0, 1) ** 2
    history = np.full(len(at), np.nan) if risk is None else np.clip(noise + ramp * risk, 0, 1)
    return MachineRisk(
        machine=name,
        machine_model=make,
        age=age,
        risk=risk,
        band=band,
        threshold=THRESHOLD,
        component_risks=components or {},
        reasons=(Reason("f", reason, 1.5), Reason("g", "Pressure as usual", -0.3)) if reason else (),
        as_of=AS_OF,
        last_reading=None if data_age_h is None else AS_OF - round(data_age_h * times.HOUR),
        data_age_h=data_age_h,
        change=change,
        history_times=at,
        history_risk=history,
        note=note,
    )


ROWS: tuple[MachineRisk, ...] = (
    machine("15", 0.96, "alarm", change=0.95, components={"comp1": 0.01, "comp2": 0.93, "comp4": 0.88},
            reason="rotate averaged 366 over 24 h; usual 448 ± 9"),
    machine("11", 0.91, "alarm", make="model2", age=6, change=0.9, components={"comp2": 0.9, "comp1": 0.02},
            reason="error2 and error3 18 h ago; comp2 in use for 92 days"),
    machine("4", 0.14, "watch", age=7, change=0.09, components={"comp1": 0.13},
            reason="volt averaged 186 over 24 h; usual 171 ± 3"),
    machine("17", 0.11, "watch", make="model1", change=0.02, components={"comp3": 0.1},
            reason="pressure rose 0.9 an hour"),
    machine("2", 0.097, "watch", make="model4", age=7, change=-0.03, components={"comp4": 0.09},
            reason="comp4 in use for 151 days"),
    machine("7", 0.03, "stale", age=20, change=None, components={"comp1": 0.02}, data_age_h=31,
            note="No reading for 31 h; risk as of 18 Jan 17:00"),
    machine("1", 0.009, "normal", age=18, components={"comp3": 0.008}, reason="nothing much"),
    machine("13", 0.006, "normal", make="model1", age=15, change=-0.002, components={"comp4": 0.004}),
    machine("3", 0.004, "normal", age=8, components={"comp1": 0.003}),
    machine("20", 0.003, "normal", make="model2", age=16, components={"comp1": 0.002}),
    machine("5", 0.0004, "normal", age=2, components={"comp3": 0.0003}),
    machine("9", None, "unknown", age=None, change=None, note="No reading of torque for 26 h."),
)  # fmt: skip


def fleet(rows: tuple[MachineRisk, ...] = ROWS, notes: tuple[str, ...] = ()) -> Fleet:
    """The plant of the drawn targets."""
    return Fleet(
        as_of=AS_OF,
        clock="end-of-data",
        time_zone="UTC",
        plant_name="Bottling hall 2",
        horizon_h=24.0,
        model=MODEL,
        rows=rows,
        newest_reading=AS_OF - times.HOUR,
        failures_30d=4,
        alarms_change=1,
        watch_change=0,
        notes=notes,
    )
