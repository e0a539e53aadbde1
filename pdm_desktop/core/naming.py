"""What machines and sensors are called, and which machines are still in use: changes with who, when and why kept."""

from __future__ import annotations

import csv
import math
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pdm_desktop.core import times
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.record import signed
from pdm_desktop.core.record_results import By, MergePreview
from pdm_desktop.core.schema import Sensor
from pdm_desktop.core.store import Store
from pdm_desktop.core.store.names import Overlap

EXAMPLES = 200
"""Conflicts that a preview shows one by one."""


def change_sensor(store: Store, name: str, after: Sensor, by: By) -> int:
    """Give the sensor `name` the name, unit and limits of `after` (its id aside); returns the edit.

    Readings stay as they are: another unit changes no number, and values outside the limits are kept and flagged.
    PdmError: no such sensor, a name that is empty or taken, limits the wrong way round, nothing different.
    """
    by = signed(by, reason=False)
    before = next((sensor for sensor in store.sensors() if sensor.name == name), None)
    if before is None:
        raise PdmError(f"There is no sensor {name!r}.", "See the Data page for the sensors.", "sensor")
    after = replace(after, id=before.id, name=after.name.strip(), unit=after.unit.strip())
    if not after.name:
        raise PdmError("A sensor needs a name.", "", "name")
    limits = [limit for limit in (after.low, after.high) if limit is not None]
    if not all(math.isfinite(limit) for limit in limits) or (len(limits) == 2 and limits[0] >= limits[1]):
        raise PdmError("The lower limit must lie below the upper one.", "Leave a limit empty for none.", "limits")
    if after == before:
        raise PdmError("Nothing is different.", "Change the name, the unit or a limit.")
    with store.transaction():
        edit = store.edits.note("sensor changed", None, *by, asdict(before), asdict(after))
        store.names.change_sensor(after)
    return edit


def rename(store: Store, machine: str, name: str, by: By) -> int:
    """Another name for a machine; files that use the former one still reach it. Returns the edit."""
    by, name = signed(by, reason=False), name.strip()
    if not name:
        raise PdmError("A machine needs a name.", "", "name")
    if name == machine:
        raise PdmError("Nothing is different.", "Give another name.")
    with store.transaction():
        edit = store.edits.note("machine renamed", machine, *by, {"name": machine}, {"name": name})
        store.names.rename(machine, name)
    return edit


def retire(store: Store, machine: str, by: By, *, at: int) -> int:
    """Take a machine out of use at `at` (ms UTC): no fleet page, no scoring; its record stays. Returns the edit."""
    by = signed(by, reason=True)
    if machine in store.names.retired():
        raise PdmError(f"Machine {machine} is retired already.")
    if set(store.machines()["machine"]) - {machine} <= set(store.names.retired()):
        raise PdmError("This is the only machine in use.", "A plant needs one machine that is.", "machine")
    with store.transaction():
        edit = store.edits.note("machine retired", machine, *by, {"retired": None}, {"retired": at})
        store.names.retire(machine, at)
    return edit


def bring_back(store: Store, machine: str, by: By) -> int:
    """Put a retired machine into use again; returns the edit."""
    by = signed(by, reason=False)
    since = store.names.retired().get(machine)
    if since is None:
        raise PdmError(f"Machine {machine} is not retired.")
    with store.transaction():
        edit = store.edits.note("machine returned", machine, *by, {"retired": since}, {"retired": None})
        store.names.retire(machine, None)
    return edit


def preview(store: Store, machine: str, into: str) -> MergePreview:
    """What merging `machine` into `into` would do."""
    if machine == into:
        raise PdmError("A machine cannot be merged with itself.", "Choose another machine.", "machine")
    return _preview(machine, into, store.names.overlap(machine, into))


def merge(store: Store, machine: str, into: str, by: By, backups: Path, progress: Progress) -> MergePreview:
    """Make the record of `machine` part of `into`, by cell: where both say something, the newer import holds.

    It cannot be taken back, so a copy of the record is made in `backups` first, and every cell in which the two differ
    is listed there as CSV. Returns what was done.
    """
    by = signed(by, reason=True)
    preview(store, machine, into)
    stamp = f"{times.local(times.now_ms(), 'UTC'):%Y%m%d-%H%M%S}"
    try:
        backups.mkdir(exist_ok=True)
        progress.step(0, 2, "Backing up before the merge")
        store.backup(backups / f"before-merge-{stamp}.db")
        progress.step(1, 2, f"Merging {machine} into {into}")
        with store.transaction():
            found = store.names.merge(machine, into)
            after = {"name": into, "backup": f"before-merge-{stamp}.db"}
            store.edits.note("machines merged", into, *by, {"name": machine, "differing": found.differing}, after)
            if found.differing:
                _list_conflicts(backups / f"merge-conflicts-{stamp}.csv", found)
    except OSError as exc:
        raise PdmError(f"The backup cannot be written: {exc.strerror}.", "Free some space.", str(backups)) from exc
    return _preview(machine, into, found)


def _preview(machine: str, into: str, found: Overlap) -> MergePreview:
    listed: tuple[tuple[int | None, str, Any, Any], ...] = tuple(
        (conflict.time, conflict.cell, conflict.kept, conflict.dropped) for conflict in found.conflicts[:EXAMPLES]
    )
    return MergePreview(machine, into, found.readings, found.events, found.shared, found.differing, listed)


def _list_conflicts(path: Path, found: Overlap) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["time", "cell", "of the machine kept", "of the machine merged"])
        for time, cell, kept, dropped in found.conflicts:
            writer.writerow(["" if time is None else times.iso(time, "UTC"), cell, kept, dropped])
