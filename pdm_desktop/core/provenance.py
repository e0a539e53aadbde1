"""Whether a model version was trained on this plant's own record, and on which of its machines.

Machines of different plants bear the same names (1, 2, 3 ...), and machines are renamed. So a version keeps some of the
failures it learnt of: where they are on record here too, it is of this plant.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pdm_desktop.core.features import MachineHistory
from pdm_desktop.core.store import Store

KEY = "some_failures"
READINGS = "some_readings"
_MARK = re.compile("[0-9a-f]{16}")
_STRETCH = 8
MARKS_EACH, MOST_MARKS = 3, 3_000
MOST = 40
"""So many failures are kept, spread over the record."""


def some_failures(failures: Sequence[tuple[int, str]]) -> list[list[Any]]:
    """[machine, ms] of failures spread evenly over `failures` (ms, machine)."""
    count = min(MOST, len(failures))
    return [[failures[i * len(failures) // count][1], failures[i * len(failures) // count][0]] for i in range(count)]


def machines_here(
    store: Store, facts: Mapping[str, Any], *, made_here: bool = False, without: Container[str] = ()
) -> frozenset[str]:
    """The machines of this plant, by the names they bear now, that a version of these facts was trained or tested on.
    without: names, as they were then, of those not asked for; merged with one that is, a machine is among them.

    Nothing when less than half of the failures it kept are on record here. A version made in this very workspace, and
    one that kept none (from an earlier release), is taken at its machines' names: see `unknown`.
    """
    # It may come from a file: nothing is taken for granted.
    listed = facts.get("machines")
    named = listed if isinstance(listed, list) else []
    now = now_called(store)
    known = [name for name in named if isinstance(name, str) and name in now]
    machines = frozenset(now[name] for name in known)
    asked = frozenset(now[name] for name in known if name not in without)
    noted = facts.get(KEY)
    kept = [pair for pair in noted if _failure(pair)] if isinstance(noted, list) else []
    if made_here or not kept or not machines:
        return asked
    events = store.events("failures", sorted(machines), None, None)
    recorded = set(zip(events["machine"].tolist(), events["time"].tolist(), strict=True))
    found = sum((now.get(machine), time) in recorded for machine, time in kept)
    return asked if 2 * found >= len(kept) else frozenset()


def unknown(facts: Mapping[str, Any], *, made_here: bool) -> bool:
    """Whether nobody can tell if a version of these facts was trained on this plant: it came from elsewhere and, of an
    earlier release, kept no failures to be known by. Another plant's machines may bear the same names."""
    noted = facts.get(KEY)
    return not made_here and not (isinstance(noted, list) and any(map(_failure, noted)))


def some_readings(histories: Mapping[str, MachineHistory], sensors: Sequence[str], first: int, last: int) -> list[str]:
    """Marks of a few stretches of each machine's readings in [first, last] (ms): where readings are the same, so are
    they, whatever machines are called there and in whatever time zone the files were read."""
    each = max(1, min(MARKS_EACH, MOST_MARKS // max(len(histories), 1)))
    found = []
    for history in histories.values():
        marks = _marks(history, sensors)
        within = (history.times[: len(marks)] >= first) & (history.times[: len(marks)] <= last)
        usable = marks[within & (marks != 0)]
        chosen = usable[np.linspace(0, len(usable) - 1, each).astype(int)] if len(usable) else usable
        found += [f"{mark:016x}" for mark in chosen.tolist()]
    return found[:MOST_MARKS]


def trained_on(
    store: Store,
    histories: Mapping[str, MachineHistory],
    sensors: Sequence[str],
    facts: Mapping[str, Any],
    held_out: Container[str],
    *,
    made_here: bool,
) -> tuple[frozenset[str], bool]:
    """The machines here whose record the version may have learnt from, and whether that is known: of one that came from
    elsewhere without marks of its readings, and whose failures are not these, nobody can tell."""
    by_name = machines_here(store, facts, made_here=made_here, without=held_out)
    listed = facts.get(READINGS)
    noted = (
        [text for text in listed if isinstance(text, str) and _MARK.fullmatch(text)] if isinstance(listed, list) else []
    )
    if not noted:
        known = made_here or (bool(by_name) and not unknown(facts, made_here=False))
        return (by_name, True) if known else (frozenset(histories), False)
    wanted = np.array([int(text, 16) for text in noted], np.uint64)
    by_readings = frozenset(m for m, history in histories.items() if np.isin(_marks(history, sensors), wanted).any())
    # Names may have been swapped; but readings may have been corrected since.
    return (by_readings if len(by_readings) >= len(by_name) else by_readings | by_name), True


def _marks(history: MachineHistory, sensors: Sequence[str]) -> npt.NDArray[np.uint64]:
    """(n - _STRETCH + 1,) marks of _STRETCH readings one after the other; 0 where one is missing or they hardly vary:
    machines that stand still look alike everywhere."""
    place = {name.casefold(): row for row, name in enumerate(history.sensors)}
    rows = [place[name.casefold()] for name in sensors if name.casefold() in place]
    count = len(history.times) - _STRETCH + 1
    if count < 1 or len(rows) < len(sensors):
        return np.zeros(0, np.uint64)
    values = np.ascontiguousarray(history.values[rows], np.float64) + 0.0
    odd = np.random.default_rng(11).integers(1, 2**63, len(rows) + _STRETCH, dtype=np.uint64) | np.uint64(1)
    mixed = values.view(np.uint64) * odd[: len(rows), None]
    mixed ^= mixed >> np.uint64(31)
    row = (mixed * odd[: len(rows), None]).sum(0, dtype=np.uint64)
    row ^= row >> np.uint64(29)
    varied = np.concatenate(([0], np.cumsum(np.any(np.diff(values) != 0, axis=0))))
    whole = np.concatenate(([0], np.cumsum(np.isfinite(values).all(0))))
    marks = np.zeros(count, np.uint64)
    for offset in range(_STRETCH):
        marks += row[offset : offset + count] * odd[len(rows) + offset]
    usable = (varied[_STRETCH - 1 :] - varied[:count] >= _STRETCH // 2) & (whole[_STRETCH:] - whole[:count] == _STRETCH)
    return np.where(usable, marks, np.uint64(0))


def now_called(store: Store) -> dict[str, str]:
    """Every name a machine bears or bore -> the name it bears now."""
    return store.names.former_machines() | {str(name): str(name) for name in store.machines()["machine"]}


def _failure(pair: Any) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) and isinstance(pair[1], int)
