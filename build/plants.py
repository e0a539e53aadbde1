"""Plants as machine histories, for the scripts beside this file: simulated ones and the public extract."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from pdm_desktop.core import simulate
from pdm_desktop.core.features import EventSeries, FeatureSpec, MachineHistory
from pdm_desktop.core.times import HOUR

ROOT = Path(__file__).resolve().parents[1]


def spec(machine_models: Iterable[str] = (), *, attributes: bool = True) -> FeatureSpec:
    """The features of a plant in the benchmark's layout."""
    return FeatureSpec(
        sensors=simulate.SENSORS,
        codes=simulate.ERRORS,
        components=simulate.COMPONENTS,
        machine_models=tuple(machine_models),
        attributes=attributes,
    )


def simulated(machines: int, days: int, seed: int) -> list[MachineHistory]:
    """A simulated plant's machines."""
    return [
        MachineHistory(
            machine=record.machine,
            sensors=simulate.SENSORS,
            times=record.times,
            values=record.readings,
            machine_model=record.machine_model,
            age=float(record.age),
            errors=_series(record.errors),
            maintenance=_series(record.maintenance),
            failures=_series(record.failures),
        )
        for record in simulate.records(machines, days, seed)
    ]


def extract_folder() -> Path | None:
    """The folder of the public extract, or None where it is absent."""
    folder = Path(os.environ.get("PDM_SHARED_DATA", ROOT.parent / "shared" / "data")) / "azure_pdm"
    return folder if (folder / simulate.FILES["telemetry"]).is_file() else None


def extract(folder: Path) -> list[MachineHistory]:
    """The public extract's machines."""
    telemetry = pd.read_csv(folder / simulate.FILES["telemetry"], parse_dates=["datetime"], dtype={"machineID": str})
    events = {kind: _events(folder / simulate.FILES[kind]) for kind in ("errors", "maintenance", "failures")}
    histories = []
    for row in csv.DictReader((folder / simulate.FILES["machines"]).read_text("utf-8").splitlines()):
        machine = row["machineID"]
        own = telemetry[telemetry["machineID"] == machine].sort_values("datetime")
        histories.append(
            MachineHistory(
                machine=machine,
                sensors=simulate.SENSORS,
                times=own["datetime"].to_numpy("datetime64[ms]").astype(np.int64),
                values=own[list(simulate.SENSORS)].to_numpy(float).T,
                machine_model=row["model"],
                age=float(row["age"]),
                **{kind: _series(of_kind.get(machine, [])) for kind, of_kind in events.items()},
            )
        )
    return histories


def hours(histories: Iterable[MachineHistory], days: float) -> np.ndarray:
    """Every hour from the plant's first reading on, for so many days."""
    start = min(int(history.times[0]) for history in histories)
    return start + HOUR * np.arange(int(days * 24), dtype=np.int64)


def _events(path: Path) -> dict[str, list[tuple[int, str]]]:
    frame = pd.read_csv(path, parse_dates=["datetime"], dtype=str)
    found: dict[str, list[tuple[int, str]]] = {}
    times = frame["datetime"].to_numpy("datetime64[ms]").astype(np.int64).tolist()
    for time, machine, label in zip(times, frame["machineID"], frame[frame.columns[2]], strict=True):
        found.setdefault(machine, []).append((time, label))
    return {machine: sorted(events) for machine, events in found.items()}


def _series(events: list[tuple[int, str]]) -> EventSeries:
    return EventSeries(np.array([time for time, _ in events], np.int64), tuple(label for _, label in events))
