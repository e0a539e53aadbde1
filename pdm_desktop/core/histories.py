"""The stored record as one history a machine: what features are made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pdm_desktop.core.features import EventSeries, MachineHistory
from pdm_desktop.core.schema import EVENT_KINDS
from pdm_desktop.core.store import Store


def known_machines(store: Store) -> dict[str, Any]:
    """machine -> its row of Store.machines, in natural order."""
    return {row["machine"]: row for row in store.machines().to_dict("records")}


def histories(store: Store, machines: Sequence[str], start: int | None, end: int | None) -> Iterator[MachineHistory]:
    """The record of each machine up to `end` (ms, None = all): readings from `start` on, events from the beginning."""
    known = known_machines(store)
    names = tuple(sensor.name for sensor in store.sensors())
    events = {str(kind): _series(store.events(kind, machines, None, end)) for kind in EVENT_KINDS}
    readings = store.telemetry_many(machines, start, end)
    nothing = EventSeries()
    for machine in machines:
        when, values = readings.get(machine, (np.empty(0, np.int64), np.empty((len(names), 0))))
        age = float(known[machine]["age"])
        yield MachineHistory(
            machine,
            names,
            when,
            values,
            known[machine]["machine_model"],
            None if np.isnan(age) else age,
            events["errors"].get(machine, nothing),
            events["maintenance"].get(machine, nothing),
            events["failures"].get(machine, nothing),
        )


def _series(events: pd.DataFrame) -> dict[str, EventSeries]:
    """The events, sorted by machine, as one series a machine."""
    machines, when, labels = events["machine"].tolist(), events["time"].to_numpy(np.int64), events["label"].tolist()
    known = events["known"].to_numpy(float)
    late = np.where(np.isnan(known), -1, known).astype(np.int64)
    found = {}
    first = 0
    for end in range(1, len(machines) + 1):
        if end == len(machines) or machines[end] != machines[first]:
            part = slice(first, end)
            recorded = late[part] if (late[part] >= 0).any() else None
            found[str(machines[first])] = EventSeries(when[part], tuple(labels[part]), recorded)
            first = end
    return found
