"""One machine's page: its sensors, events and risk over a span, and how it is now."""

from __future__ import annotations

import numpy as np

from pdm_desktop.core import scoring
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.features import EventSeries, MachineHistory, grid
from pdm_desktop.core.fleet import HISTORY, Scorer
from pdm_desktop.core.histories import histories, known_machines
from pdm_desktop.core.moments import window_moments
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.record_results import EventKind
from pdm_desktop.core.results import Event, MachineRisk, MachineView, SensorTrace

_EPISODE_GAP = 6
_SILENT_STEPS = 3


def machine_view(scorer: Scorer, machine: str, at: int, start: int, end: int, progress: Progress) -> MachineView:
    """One machine's page over [start, end] with its state at grid time `at`; one state of the record throughout,
    whatever is imported or undone meanwhile."""
    with scorer.store.snapshot():
        return _view(scorer, machine, at, start, end, progress)


def _view(scorer: Scorer, machine: str, at: int, start: int, end: int, progress: Progress) -> MachineView:
    known = known_machines(scorer.store)
    if machine not in known:
        raise PdmError(f"There is no machine {machine!r}.", "See the Data page for the machines.", "machine")
    obstacle = scorer.obstacle()
    last = scorer.store.last_readings(at)
    first = scorer.store.first_reading(machine)
    reach = max(scorer.model.spec.reach, HISTORY)
    (history,) = histories(scorer.store, [machine], start - reach, end)
    progress.check()
    shown = grid(start, end, scorer.step)
    risk = np.full(len(shown), np.nan)
    since = None
    if obstacle:
        state = scorer.unknown_row(machine, known[machine]["machine_model"], known[machine]["age"], at, last, obstacle)
    else:
        recent = grid(at - HISTORY, at, scorer.step)
        # A retired machine's page still tells of its past.
        (state,), frame = scorer.score_part(
            [machine], {machine: recent}, {machine: scorer.latest(last.get(machine), at)}, last, at
        )
        (state,) = scorer.with_history([state], frame, recent, at)
        progress.check()
        rows = scoring.rows(scorer.model, history, shown)
        risk[np.isin(shown, rows.times)] = scorer.model.predict(rows.matrix)[:, 0]
        risk[~scorer.service.usable(history, shown)] = np.nan
        since = _alarm_since(state, history, scorer.model.info.threshold, scorer.step)
    events = _events(history, start, end)
    failures = [e for e in _events(history, None, at) if e.kind == "failures"]
    return MachineView(
        state=state,
        time_zone=scorer.zone,
        horizon_h=scorer.settings.horizon_h,
        model=None if obstacle else scorer.model.info,
        start=start,
        end=end,
        first_reading=first,
        sensors=tuple(_trace(scorer, history, sensor, start, end) for sensor in history.sensors),
        events=events,
        risk_times=shown,
        risk=risk,
        alarm_since=since,
        last_failure=failures[-1] if failures else None,
    )


def _trace(scorer: Scorer, history: MachineHistory, sensor: str, start: int, end: int) -> SensorTrace:
    when, values = history.readings_of(sensor)
    inside = slice(*np.searchsorted(when, [start, end + 1]))
    width = scorer.model.spec.long
    ends = grid(start, end, scorer.step)
    windows = {
        "mean": (np.searchsorted(when, ends - width, "right"), np.searchsorted(when, ends, "right")),
        "normal": (
            np.searchsorted(when, [end - scorer.model.spec.baseline], "right"),
            np.searchsorted(when, [end], "right"),
        ),
    }
    stats = window_moments(when, values[:, None], windows)
    middle, spread = float(stats["normal"].mean[0, 0]), float(stats["normal"].std[0, 0])
    known = not np.isnan(spread)
    unit = scorer.units.get(sensor.casefold(), "")
    # Past a silence the mean would go on for a day on fewer and fewer readings: it ends with them.
    newest = np.concatenate(([np.iinfo(np.int64).min // 4], when))[windows["mean"][1]]
    mean = np.where(ends - newest > _SILENT_STEPS * scorer.step, np.nan, stats["mean"].mean[:, 0])
    low, high = (middle - 2 * spread, middle + 2 * spread) if known else (None, None)
    return SensorTrace(sensor, unit, when[inside], values[inside], ends, mean, low, high)


def _events(history: MachineHistory, start: int | None, end: int) -> tuple[Event, ...]:
    kinds: tuple[tuple[EventKind, EventSeries], ...] = (
        ("errors", history.errors),
        ("maintenance", history.maintenance),
        ("failures", history.failures),
    )
    found = [
        Event(kind, int(time), label)
        for kind, series in kinds
        for time, label in zip(series.times, series.labels, strict=True)
        if (start is None or time >= start) and time <= end
    ]
    return tuple(sorted(found, key=lambda event: event.time))


def _alarm_since(state: MachineRisk, history: MachineHistory, threshold: float, step: int) -> int | None:
    """Where the present alarm episode began: scored times at or above the threshold, gaps up to six steps merged,
    ended by a failure; None when the machine is not in alarm."""
    if state.band != "alarm":
        return None
    above = state.history_times[state.history_risk >= threshold]
    failures = history.failures.times
    since = state.as_of
    for time in above[::-1]:
        if since - time > (_EPISODE_GAP + 1) * step or np.any((failures > time) & (failures <= since)):
            break
        since = int(time)
    return since
