"""When machines were in service, with who, when and why kept: periods by hand, from files, by rules on a sensor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pdm_desktop.core import periods
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.features import MachineHistory
from pdm_desktop.core.periods import Entry
from pdm_desktop.core.record import signed
from pdm_desktop.core.record_results import By, Period, PeriodRule
from pdm_desktop.core.store import Store

HAND, FILE = "hand", "file"


class InService:
    """What a store says of its machines' periods, read once; asked machine by machine."""

    def __init__(self, store: Store) -> None:
        self._stored: dict[str, list[Period]] = {}
        for period in store.service.periods():
            self._stored.setdefault(period.machine, []).append(period)
        self._rules = store.service.rules()

    def __bool__(self) -> bool:
        return bool(self._stored or self._rules)

    def periods(self, history: MachineHistory) -> tuple[Period, ...]:
        """The machine's periods as far as the history's readings tell of rules; later ones hold over earlier ones."""
        if not self:
            return ()
        stored = self._stored.get(history.machine, ())
        return periods.of(history.machine, stored, self._rules, history.readings_of)

    def usable(self, history: MachineHistory, at: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """(len(at),): whether the machine was in use at each time (ms UTC): only there are rows and alarms."""
        return periods.usable(at, self.periods(history))


def enter(store: Store, entries: Sequence[Entry], by: By, *, source: str = HAND) -> int:
    """Keep periods; returns the edit. Nothing is kept when one of them is wrong."""
    by = signed(by, reason=False)
    for entry in entries:
        periods.checked(entry)
    machine = entries[0].machine if len({entry.machine for entry in entries}) == 1 else None
    said = _plain(entries[0]) if len(entries) == 1 else {"text": f"{len(entries)} periods"}
    with store.transaction():
        edit = store.edits.note("periods entered", machine, *by, {}, {**said, "source": source})
        store.service.add(edit, entries, source)
    return edit


def import_file(store: Store, path: Path, by: By, time_zone: str) -> int:
    """Keep the periods of a CSV file (machine, start, end, state); returns how many. The same ones again are left out.

    PdmError with file and line for whatever is wrong; nothing is kept then.
    """
    read = periods.read_file(path, time_zone)
    known = set(store.machines()["machine"])
    for entry in read:
        if entry.machine not in known:
            raise PdmError(f"There is no machine {entry.machine!r}.", "Import its readings first.", path.name)
    there = {(p.machine, p.start, p.end, p.state) for p in store.service.periods()}
    fresh = [entry for entry in dict.fromkeys(read) if tuple(entry) not in there]
    if fresh:
        enter(store, fresh, by._replace(why=by.why or f"from {path.name}"), source=FILE)
    return len(fresh)


def remove(store: Store, period: int, by: By) -> int:
    """Let a period hold no longer; returns the edit."""
    by = signed(by, reason=False)
    found = next((p for p in store.service.periods() if p.id == period), None)
    if found is None:
        raise PdmError("This period is not on record any more.", "Look at the list again.")
    entry = Entry(found.machine, found.start, found.end, found.state)
    with store.transaction():
        edit = store.edits.note("period removed", found.machine, *by, _plain(entry), {})
        store.service.remove(edit, period)
    return edit


def add_rule(store: Store, rule: PeriodRule, by: By) -> int:
    """Keep a rule (its id aside): while the sensor is below (above) the value the machine is in the state."""
    by = signed(by, reason=False)
    if rule.sensor not in {sensor.name for sensor in store.sensors()}:
        raise PdmError(f"There is no sensor {rule.sensor!r}.", "See the Data page for the sensors.", "sensor")
    if not math.isfinite(rule.value):
        raise PdmError("A rule needs a number to compare with.", "", "value")
    with store.transaction():
        edit = store.edits.note("rule added", rule.machine or None, *by, {}, {"text": rule.text})
        store.service.add_rule(edit, rule)
    return edit


def remove_rule(store: Store, rule: int, by: By) -> int:
    """Let a rule hold no longer; returns the edit."""
    by = signed(by, reason=False)
    found = next((r for r in store.service.rules() if r.id == rule), None)
    if found is None:
        raise PdmError("This rule is not there any more.", "Look at the list again.")
    with store.transaction():
        edit = store.edits.note("rule removed", found.machine or None, *by, {"text": found.text}, {})
        store.service.remove_rule(edit, rule)
    return edit


def _plain(entry: Entry) -> dict[str, Any]:
    return {"start": entry.start, "end": entry.end, "state": entry.state}
