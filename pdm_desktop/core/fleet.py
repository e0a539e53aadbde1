"""From the stored record to every machine's risk at one time, and to one machine's page.

Scores are kept in the store; an import deletes those it can have changed, so what is missing is what must be computed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pdm_desktop.core import periods, quality, scoring, times
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.features import EventSeries, MachineHistory, grid, grid_step
from pdm_desktop.core.moments import Ints, window_moments
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.results import (
    ClockMode,
    Event,
    EventKind,
    Fleet,
    MachineRisk,
    MachineView,
    Period,
    Reason,
    SensorTrace,
)
from pdm_desktop.core.schema import EVENT_KINDS
from pdm_desktop.core.scoring import Model
from pdm_desktop.core.service import InService
from pdm_desktop.core.settings import Settings
from pdm_desktop.core.store import Store, natural_key

HISTORY = 14 * times.DAY
"""How much of the risk's past the fleet page shows and the store is kept filled with."""

_MACHINES_AT_ONCE = 50
_EPISODE_GAP = 6
_SILENT_STEPS = 3
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Clock:
    """The workspace's now: the computer's time (live) or the newest reading's (end of data)."""

    mode: ClockMode
    now: int
    newest: int | None


def clock(settings: Settings, newest: int | None, computer: int) -> Clock:
    """Which clock holds. `automatic` is end of data once the newest reading is over 30 days old (or lies ahead)."""
    mode = settings.clock
    if mode == "automatic":
        mode = "end-of-data" if newest is None or not 0 <= computer - newest <= 30 * times.DAY else "live"
    if mode == "live":
        return Clock("live", computer, newest)
    return Clock("end-of-data", computer if newest is None else newest, newest)


def _about(store: Store) -> dict[str, Any]:
    """machine -> its row of Store.machines, in natural order."""
    return {row["machine"]: row for row in store.machines().to_dict("records")}


def histories(store: Store, machines: Sequence[str], start: int | None, end: int | None) -> Iterator[MachineHistory]:
    """The record of each machine up to `end` (ms, None = all): readings from `start` on, events from the beginning."""
    about = _about(store)
    names = tuple(sensor.name for sensor in store.sensors())
    events = {str(kind): _series(store.events(kind, machines, None, end)) for kind in EVENT_KINDS}
    readings = store.telemetry_many(machines, start, end)
    nothing = EventSeries()
    for machine in machines:
        when, values = readings.get(machine, (np.empty(0, np.int64), np.empty((len(names), 0))))
        age = float(about[machine]["age"])
        yield MachineHistory(
            machine,
            names,
            when,
            values,
            about[machine]["machine_model"],
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


class Scorer:
    """Scores the machines of one store with one model; `save` keeps new scores in the store."""

    def __init__(self, store: Store, model: Model, settings: Settings, *, save: bool) -> None:
        self.store = store
        self.model = model
        self.settings = settings
        self.save = save
        self.sampling = store.sampling_ms()
        self.step = grid_step(model.spec.horizon, self.sampling)
        self.sensors = store.sensors()
        self.units = {sensor.name.casefold(): sensor.unit for sensor in self.sensors}
        self.service = InService(store)

    def obstacle(self) -> str:
        """Why this model must not score this plant, in plain words that lead on; empty when it may."""
        sensors = [sensor.name for sensor in self.store.sensors()]
        missing = scoring.missing_sensors(self.model, sensors)
        if missing:
            return (
                f"No risks are shown: the model in use was trained with sensors this plant does not have "
                f"({', '.join(missing)}). Its numbers would mean nothing here. "
                f"Retrain the model on this plant's own record, or name the sensors as the model knows them."
            )
        if self.settings.horizon != self.model.spec.horizon:
            return (
                f"No risks are shown: the model in use looks {self.model.info.horizon_h:g} h ahead and this workspace "
                f"is set to {self.settings.horizon_h:g} h. Retrain the model for that horizon, or set horizon_h back."
            )
        return ""

    def notes(self) -> tuple[str, ...]:
        """What the model does not see in this plant; empty when it sees everything."""
        spec = self.model.spec
        sensors = [sensor.name for sensor in self.store.sensors()]
        codes = set(self.store.labels("errors"))
        components = set(self.store.labels("maintenance")) | set(self.store.labels("failures"))
        parts = (
            ("sensors", _unknown(sensors, spec.sensors)),
            ("error codes", _unknown(codes, spec.codes)),
            ("components", _unknown(components, spec.components)),
        )
        return tuple(
            f"The model in use takes no account of the {what} {', '.join(names)}: retrain it to include them."
            for what, names in parts
            if names
        )

    def score_all(self, until: int, progress: Progress) -> int:
        """Score and keep every grid time of every machine up to `until`; returns the number of rows with a score."""
        scored = 0
        machines = list(self._in_use())
        for done, machine in enumerate(machines):
            progress.step(done, len(machines), f"Scoring machine {machine}")
            (history,) = histories(self.store, [machine], None, until)
            if len(history.times):
                rows = scoring.rows(self.model, history, grid(int(history.times[0]), until, self.step))
                frame = self._frame([history], [rows], self.model.predict(rows.matrix))
                self._keep(frame)
                scored += int(frame["risk"].notna().sum())
        progress.step(len(machines), len(machines), "Scored")
        return scored

    def fleet(self, now: Clock, at: int, progress: Progress) -> Fleet:
        """Every machine in use at grid time `at` (ms); retired ones are left out."""
        about = self._in_use()
        machines = list(about)
        obstacle = self.obstacle()
        last = self.store.last_readings(at)
        if obstacle:
            rows = [
                self._unknown_row(machine, row["machine_model"], row["age"], at, last, obstacle)
                for machine, row in about.items()
            ]
            past = pd.DataFrame({"machine": [], "time": [], "risk": []})
        else:
            times_shown = grid(at - HISTORY, at, self.step)
            past = self.store.risk(self.model.info.run_id, None, int(times_shown[0]), at)[["machine", "time", "risk"]]
            rows, fresh = [], []
            for first in range(0, len(machines), _MACHINES_AT_ONCE):
                progress.step(first, len(machines), f"Scoring machines as of {times.short(at, self._zone)}")
                part = machines[first : first + _MACHINES_AT_ONCE]
                missing = self._missing(part, past, times_shown)
                latest = {m: self._latest(last.get(m), at) for m in part}
                part_rows, frame = self._score_part(part, missing, latest, last, at)
                rows += part_rows
                fresh.append(frame)
            progress.step(len(machines), len(machines), f"Scored {len(machines)} machines")
            past = pd.concat([past[past["machine"].isin(machines)], *fresh])
            rows = self._with_history(rows, past, times_shown, at)
        failures = self.store.events("failures", None, at - 30 * times.DAY + 1, at)
        # One event is one machine and time, however many components failed at once.
        events = len(failures[["machine", "time"]].drop_duplicates())
        return self._ranked(now, at, rows, past, events, (obstacle,) if obstacle else self.notes())

    def machine(self, machine: str, at: int, start: int, end: int, progress: Progress) -> MachineView:
        """One machine's page over [start, end] with its state at grid time `at`; one state of the record throughout,
        whatever is imported or undone meanwhile."""
        with self.store.snapshot():
            return self._machine(machine, at, start, end, progress)

    def _machine(self, machine: str, at: int, start: int, end: int, progress: Progress) -> MachineView:
        about = _about(self.store)
        if machine not in about:
            raise PdmError(f"There is no machine {machine!r}.", "See the Data page for the machines.", "machine")
        obstacle = self.obstacle()
        last = self.store.last_readings(at)
        first = self.store.first_reading(machine)
        reach = max(self.model.spec.reach, HISTORY)
        (history,) = histories(self.store, [machine], start - reach, end)
        progress.check()
        shown = grid(start, end, self.step)
        risk = np.full(len(shown), np.nan)
        since = None
        if obstacle:
            state = self._unknown_row(
                machine, about[machine]["machine_model"], about[machine]["age"], at, last, obstacle
            )
        else:
            recent = grid(at - HISTORY, at, self.step)
            # A retired machine's page still tells of its past.
            (state,), frame = self._score_part(
                [machine], {machine: recent}, {machine: self._latest(last.get(machine), at)}, last, at
            )
            (state,) = self._with_history([state], frame, recent, at)
            progress.check()
            rows = scoring.rows(self.model, history, shown)
            risk[np.isin(shown, rows.times)] = self.model.predict(rows.matrix)[:, 0]
            risk[~self.service.usable(history, shown)] = np.nan
            since = _alarm_since(state, history, self.model.info.threshold, self.step)
        events = _events(history, start, end)
        failures = [e for e in _events(history, None, at) if e.kind == "failures"]
        return MachineView(
            state=state,
            time_zone=self._zone,
            horizon_h=self.settings.horizon_h,
            model=None if obstacle else self.model.info,
            start=start,
            end=end,
            first_reading=first,
            sensors=tuple(self._trace(history, sensor, start, end) for sensor in history.sensors),
            events=events,
            risk_times=shown,
            risk=risk,
            alarm_since=since,
            last_failure=failures[-1] if failures else None,
        )

    def _in_use(self) -> dict[str, Any]:
        retired = self.store.names.retired()
        return {machine: row for machine, row in _about(self.store).items() if machine not in retired}

    @property
    def _zone(self) -> str:
        return self.settings.time_zone

    def _latest(self, last: int | None, at: int) -> int | None:
        """The time a machine's state is of: `at`, or the grid time of its newest reading once it is stale."""
        if last is None:
            return None
        return at if at - last <= self.model.spec.horizon else last // self.step * self.step

    def _missing(self, machines: Sequence[str], stored: pd.DataFrame, shown: Ints) -> dict[str, Ints]:
        by_machine = {m: g.to_numpy(np.int64) for m, g in stored.groupby("machine")["time"]}
        return {m: shown[~np.isin(shown, by_machine.get(m, np.empty(0, np.int64)))] for m in machines}

    def _score_part(
        self,
        machines: Sequence[str],
        missing: dict[str, Ints],
        latest: dict[str, int | None],
        last: dict[str, int],
        at: int,
    ) -> tuple[list[MachineRisk], pd.DataFrame]:
        """The states of some machines, and the scores that were missing (kept in the store)."""
        now = {m: np.array([t for t in [latest[m]] if t is not None], np.int64) for m in machines}
        wanted = {m: np.union1d(missing[m], now[m]) for m in machines}
        begins = [int(t[0]) for t in wanted.values() if len(t)]
        start = min(begins, default=at) - self.model.spec.reach
        records = list(histories(self.store, machines, start, at))
        parts = [scoring.rows(self.model, history, wanted[history.machine]) for history in records]
        risks = self.model.predict(np.concatenate([part.matrix for part in parts]))
        frame = self._frame(records, parts, risks)
        # Times without a row are not kept: a question about the far future would otherwise leave its empty answer as
        # the machine's latest.
        kept = np.concatenate(
            [np.isin(part.asked, missing[m]) & part.alive for m, part in zip(machines, parts, strict=True)]
        )
        fresh = frame[kept]
        self._keep(fresh)
        return self._states(records, parts, risks, now, last, at), fresh

    def _frame(self, records: Sequence[MachineHistory], parts: Sequence[scoring.Rows], risks: Floats) -> pd.DataFrame:
        """machine, time, risk and one column per component for every time asked; NaN where there is no score: no
        readings, a sensor silent, the machine stopped or out of service."""
        scored = np.concatenate([np.isin(part.asked, part.times) for part in parts])
        values = np.full((len(scored), risks.shape[1]), np.nan)
        values[scored] = risks
        if self.service:
            idle = [~self.service.usable(history, part.asked) for history, part in zip(records, parts, strict=True)]
            values[np.concatenate(idle)] = np.nan
        frame = pd.DataFrame(values, columns=["risk", *self.model.components])
        frame.insert(0, "time", np.concatenate([part.asked for part in parts]))
        names = np.array([history.machine for history in records], object)
        frame.insert(0, "machine", np.repeat(names, [len(part.asked) for part in parts]))
        return frame

    def _keep(self, frame: pd.DataFrame) -> None:
        if self.save and len(frame):
            info = self.model.info
            with self.store.transaction():
                self.store.save_risk(info.run_id, info.version, info.feature_version, frame)

    def _states(
        self,
        records: Sequence[MachineHistory],
        parts: Sequence[scoring.Rows],
        risks: Floats,
        now: dict[str, Ints],
        last: dict[str, int],
        at: int,
    ) -> list[MachineRisk]:
        """Each machine's state at its time `now`, with the reasons of that moment."""
        begins = np.cumsum([0, *(len(part.times) for part in parts)])
        # The state's row among all rows of the part, -1 where the machine has none.
        rows = np.full(len(parts), -1)
        stopped = [_idle(self.service.periods(history), at) for history in records]
        for number, (history, part) in enumerate(zip(records, parts, strict=True)):
            if stopped[number] is not None:
                continue
            at_now = np.flatnonzero(np.isin(part.times, now[history.machine]))
            if len(at_now):
                rows[number] = begins[number] + at_now[-1]
        matrix = np.concatenate([part.matrix for part in parts])
        shares = self.model.contributions(matrix[rows[rows >= 0]])
        states, told = [], 0
        for history, part, row, period in zip(records, parts, rows.tolist(), stopped, strict=True):
            if period is not None:
                states.append(self._idle_state(history, period, last, at))
                continue
            if row < 0:
                states.append(self._unknown_state(history, part, now, last, at))
                continue
            time = int(now[history.machine][0])
            why = scoring.reasons(self.model, history, time, matrix[row], shares[told], self.units)
            states.append(self._state(history, last.get(history.machine), at, time, risks[row], why))
            told += 1
        return states

    def _state(
        self, history: MachineHistory, last: int | None, at: int, time: int, risks: Floats, why: tuple[Reason, ...]
    ) -> MachineRisk:
        threshold = self.model.info.threshold
        data_age = None if last is None else at - last
        band = scoring.band(float(risks[0]), threshold, data_age, self.model.spec.horizon)
        note = ""
        if band == "stale" and data_age is not None:
            note = f"No reading for {_hours(data_age)}; risk shown as of {times.short(time, self._zone)}"
        return MachineRisk(
            machine=history.machine,
            machine_model=history.machine_model,
            age=history.age,
            risk=float(risks[0]),
            band=band,
            threshold=threshold,
            component_risks=dict(zip(self.model.components, map(float, risks[1:]), strict=True)),
            reasons=why,
            as_of=time,
            last_reading=last,
            data_age_h=None if data_age is None else data_age / times.HOUR,
            note=note,
            doubts=self._doubts(history, time),
        )

    def _idle_state(self, history: MachineHistory, period: Period, last: dict[str, int], at: int) -> MachineRisk:
        """A machine that is not running has no risk and raises no alarm."""
        note = f"{period.state.capitalize()} since {times.short(period.start, self._zone)}"
        row = self._unknown_row(history.machine, history.machine_model, history.age, at, last, note)
        # That it is silent is no news then.
        return replace(row, band="unknown")

    def _doubts(self, history: MachineHistory, at: int) -> tuple[str, ...]:
        spec, least = self.model.spec, round(self.settings.stuck_h * times.HOUR)
        zone = self._zone
        return quality.doubts(
            history, spec.sensors, self.sensors, at, spec.long, self.sampling, least, lambda t: times.short(t, zone)
        )

    def _unknown_state(
        self, history: MachineHistory, part: scoring.Rows, now: dict[str, Ints], last: dict[str, int], at: int
    ) -> MachineRisk:
        quiet = part.silent[np.isin(part.asked, now[history.machine])].any(axis=0)
        silent = [self.model.spec.sensors[column] for column in np.flatnonzero(quiet)]
        if last.get(history.machine) is None:
            first = self.store.first_reading(history.machine)
            note = "No readings on record" if first is None else f"No reading before {times.short(at, self._zone)}"
        elif silent:
            verb = "have" if len(silent) > 1 else "has"
            note = f"{', '.join(silent)} {verb} given no value for {self.settings.horizon_h:g} h: no risk without it"
        else:
            note = "No reading within the horizon: no risk"
        return self._unknown_row(history.machine, history.machine_model, history.age, at, last, note)

    def _unknown_row(
        self, machine: str, make: str, age: float | None, at: int, last: dict[str, int], note: str
    ) -> MachineRisk:
        newest = last.get(machine)
        data_age = None if newest is None else at - newest
        threshold = self.model.info.threshold
        return MachineRisk(
            machine=machine,
            machine_model=make,
            age=None if age is None or np.isnan(age) else float(age),
            risk=None,
            band=scoring.band(None, threshold, data_age, self.settings.horizon),
            threshold=threshold,
            component_risks={},
            reasons=(),
            as_of=at,
            last_reading=newest,
            data_age_h=None if data_age is None else data_age / times.HOUR,
            note=note,
        )

    def _with_history(self, rows: Sequence[MachineRisk], past: pd.DataFrame, shown: Ints, at: int) -> list[MachineRisk]:
        by_machine = dict(iter(past.groupby("machine")[["time", "risk"]]))
        result = []
        for row in rows:
            risk = np.full(len(shown), np.nan)
            if row.machine in by_machine:
                known = by_machine[row.machine]
                where = np.searchsorted(shown, known["time"].to_numpy(np.int64))
                risk[where] = known["risk"].to_numpy(float)
            before = risk[shown == at - times.DAY]
            change = None
            if row.risk is not None and row.band != "stale" and len(before) and not np.isnan(before[0]):
                change = row.risk - float(before[0])
            result.append(replace(row, change=change, history_times=shown, history_risk=risk))
        return result

    def _ranked(
        self, now: Clock, at: int, rows: list[MachineRisk], past: pd.DataFrame, failures: int, notes: tuple[str, ...]
    ) -> Fleet:
        rows = sorted(rows, key=lambda r: (r.risk is None, -(r.risk or 0.0), natural_key(r.machine)))
        yesterday = past.loc[past["time"] == at - times.DAY, "risk"].dropna().to_numpy(float)
        changes: list[int | None] = [None, None]
        if len(yesterday):
            threshold = self.model.info.threshold
            bands = [scoring.band(float(r), threshold, 0, self.model.spec.horizon) for r in yesterday]
            changes = [sum(r.band == b for r in rows) - bands.count(b) for b in ("alarm", "watch")]
        return Fleet(
            as_of=at,
            clock=now.mode,
            time_zone=self._zone,
            plant_name=self.settings.plant_name,
            horizon_h=self.settings.horizon_h,
            model=self.model.info,
            rows=tuple(rows),
            newest_reading=now.newest,
            failures_30d=failures,
            alarms_change=changes[0],
            watch_change=changes[1],
            notes=notes,
        )

    def _trace(self, history: MachineHistory, sensor: str, start: int, end: int) -> SensorTrace:
        when, values = history.readings_of(sensor)
        inside = slice(*np.searchsorted(when, [start, end + 1]))
        width = self.model.spec.long
        ends = grid(start, end, self.step)
        windows = {
            "mean": (np.searchsorted(when, ends - width, "right"), np.searchsorted(when, ends, "right")),
            "normal": (
                np.searchsorted(when, [end - self.model.spec.baseline], "right"),
                np.searchsorted(when, [end], "right"),
            ),
        }
        stats = window_moments(when, values[:, None], windows)
        middle, spread = float(stats["normal"].mean[0, 0]), float(stats["normal"].std[0, 0])
        known = not np.isnan(spread)
        unit = self.units.get(sensor.casefold(), "")
        # Past a silence the mean would go on for a day on fewer and fewer readings: it ends with them.
        newest = np.concatenate(([np.iinfo(np.int64).min // 4], when))[windows["mean"][1]]
        mean = np.where(ends - newest > _SILENT_STEPS * self.step, np.nan, stats["mean"].mean[:, 0])
        low, high = (middle - 2 * spread, middle + 2 * spread) if known else (None, None)
        return SensorTrace(sensor, unit, when[inside], values[inside], ends, mean, low, high)


def _unknown(have: Iterable[str], known: Sequence[str]) -> list[str]:
    folded = {name.casefold() for name in known}
    return sorted((name for name in have if name.casefold() not in folded), key=natural_key)


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


def _idle(given: Sequence[Period], at: int) -> Period | None:
    period = periods.at_time(at, given)
    return period if period is not None and period.state in periods.IDLE else None


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


def _hours(ms: int) -> str:
    hours = ms / times.HOUR
    return f"{hours:.0f} h" if hours < 72 else f"{hours / 24:.0f} days"
