"""From the stored record to every machine's risk at one time.

Scores are kept in the store; an import deletes those it can have changed, so what is missing is what must be computed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from pdm_desktop.core import periods, quality, scoring, times
from pdm_desktop.core.clock import Clock
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.features import MachineHistory, grid, grid_step
from pdm_desktop.core.histories import histories, known_machines
from pdm_desktop.core.moments import Floats, Ints
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.record_results import Period
from pdm_desktop.core.results import Fleet, MachineRisk, Reason
from pdm_desktop.core.scoring import Model
from pdm_desktop.core.service import InService
from pdm_desktop.core.settings import Settings
from pdm_desktop.core.store import Store, natural_key

HISTORY = 14 * times.DAY
"""How much of the risk's past the fleet page shows and the store is kept filled with."""

_MACHINES_AT_ONCE = 50


class Scorer:
    """Scores the machines of one store with one model; `save` keeps new scores in the store. called: what the model is
    in sentences."""

    def __init__(
        self, store: Store, model: Model, settings: Settings, *, save: bool, called: str = "the model in use"
    ) -> None:
        self.called = called
        self.store = store
        self.model = model
        self.settings = settings
        self.save = save
        self.sampling = store.sampling_ms()
        self.step = grid_step(model.spec.horizon, self.sampling)
        self.sensors = store.sensors()
        self.units = {sensor.name.casefold(): sensor.unit for sensor in self.sensors}
        self.service = InService(store)

    @staticmethod
    def of_other(store: Store, model: Model, settings: Settings) -> Scorer:
        """For a version that is not in use: it looks as far ahead as it was trained to, and nothing of it is kept.
        PdmError when it must not score this plant."""
        unfit = scoring.unfit_sensors(model, store.sensors())
        if unfit:
            raise PdmError(
                f"Version {model.info.version} {unfit}: it has no risks for this plant.",
                "Choose another version, or name sensors and units as this one knows them.",
                "run-id",
            )
        ahead = replace(settings, horizon_h=model.info.horizon_h)
        return Scorer(store, model, ahead, save=False, called=f"version {model.info.version}")

    def obstacle(self) -> str:
        """Why this model must not score this plant, in plain words that lead on; empty when it may."""
        if self.store.newest_reading() is None:
            return "No risks are shown: there are no readings yet. Import the telemetry of these machines."
        unfit = scoring.unfit_sensors(self.model, self.store.sensors())
        if unfit:
            return (
                f"No risks are shown: {self.called} {unfit}. Its numbers would mean nothing here. "
                f"Retrain the model on this plant's own record, or name sensors and units as the model knows them."
            )
        if self.settings.horizon != self.model.spec.horizon:
            return (
                f"No risks are shown: {self.called} looks {self.model.info.horizon_h:g} h ahead and this workspace "
                f"is set to {self.settings.horizon_h:g} h. Retrain the model for that horizon, or set the horizon to "
                f"{self.model.info.horizon_h:g} h in the preferences."
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
            f"{self.called[:1].upper()}{self.called[1:]} takes no account of the {what} {', '.join(names)}: "
            f"retrain it to include them."
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
                self.unknown_row(machine, row["machine_model"], row["age"], at, last, obstacle)
                for machine, row in about.items()
            ]
            past = pd.DataFrame({"machine": [], "time": [], "risk": []})
        else:
            if self.save:
                self.store.shown.put_first(self.model.info.run_id)
            times_shown = grid(at - HISTORY, at, self.step)
            past = self.store.risk(self.model.info.run_id, None, int(times_shown[0]), at)[["machine", "time", "risk"]]
            rows, fresh = [], []
            for first in range(0, len(machines), _MACHINES_AT_ONCE):
                progress.step(first, len(machines), f"Scoring machines as of {times.short(at, self.zone)}")
                part = machines[first : first + _MACHINES_AT_ONCE]
                missing = self._missing(part, past, times_shown)
                latest = {m: self.latest(last.get(m), at) for m in part}
                part_rows, frame = self.score_part(part, missing, latest, last, at)
                rows += part_rows
                fresh.append(frame)
            progress.step(len(machines), len(machines), f"Scored {len(machines)} machines")
            past = pd.concat([past[past["machine"].isin(machines)], *fresh])
            rows = self.with_history(rows, past, times_shown, at)
        failures = self.store.events("failures", None, at - 30 * times.DAY + 1, at)
        # One event is one machine and time, however many components failed at once.
        events = len(failures[["machine", "time"]].drop_duplicates())
        return self._ranked(now, at, rows, past, events, (obstacle,) if obstacle else self.notes())

    def _in_use(self) -> dict[str, Any]:
        retired = self.store.names.retired()
        return {machine: row for machine, row in known_machines(self.store).items() if machine not in retired}

    @property
    def zone(self) -> str:
        """The plant's time zone."""
        return self.settings.time_zone

    def latest(self, last: int | None, at: int) -> int | None:
        """The time a machine's state is of: `at`, or the grid time of its newest reading once it is stale."""
        if last is None:
            return None
        return at if at - last <= self.model.spec.horizon else last // self.step * self.step

    def _missing(self, machines: Sequence[str], stored: pd.DataFrame, shown: Ints) -> dict[str, Ints]:
        by_machine = {m: g.to_numpy(np.int64) for m, g in stored.groupby("machine")["time"]}
        return {m: shown[~np.isin(shown, by_machine.get(m, np.empty(0, np.int64)))] for m in machines}

    def score_part(
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
            info, now = self.model.info, times.now_ms()
            shown = scoring.alarms(self.model, frame, now)
            with self.store.transaction():
                self.store.save_risk(info.run_id, info.version, info.feature_version, frame)
                if len(shown):
                    self.store.shown.note(info.run_id, now, shown)

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
            note = f"No reading for {_hours(data_age)}; risk shown as of {times.short(time, self.zone)}"
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
        note = f"{period.state.capitalize()} since {times.short(period.start, self.zone)}"
        row = self.unknown_row(history.machine, history.machine_model, history.age, at, last, note)
        # That it is silent is no news then.
        return replace(row, band="unknown")

    def _doubts(self, history: MachineHistory, at: int) -> tuple[str, ...]:
        spec, least = self.model.spec, round(self.settings.stuck_h * times.HOUR)
        zone = self.zone
        return quality.doubts(
            history,
            spec.sensors,
            self.sensors,
            at,
            spec.long,
            self.sampling,
            least,
            lambda t: times.short(t, zone),
            {name: (known.low, known.high) for name, known in self.model.learned.items()},
        )

    def _unknown_state(
        self, history: MachineHistory, part: scoring.Rows, now: dict[str, Ints], last: dict[str, int], at: int
    ) -> MachineRisk:
        quiet = part.silent[np.isin(part.asked, now[history.machine])].any(axis=0)
        silent = [self.model.spec.sensors[column] for column in np.flatnonzero(quiet)]
        if last.get(history.machine) is None:
            first = self.store.first_reading(history.machine)
            note = "No readings on record" if first is None else f"No reading before {times.short(at, self.zone)}"
        elif silent:
            verb = "have" if len(silent) > 1 else "has"
            note = f"{', '.join(silent)} {verb} given no value for {self.settings.horizon_h:g} h: no risk without it"
        else:
            note = "No reading within the horizon: no risk"
        return self.unknown_row(history.machine, history.machine_model, history.age, at, last, note)

    def unknown_row(
        self, machine: str, make: str, age: float | None, at: int, last: dict[str, int], note: str
    ) -> MachineRisk:
        """A machine without a risk, and why in `note`."""
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

    def with_history(self, rows: Sequence[MachineRisk], past: pd.DataFrame, shown: Ints, at: int) -> list[MachineRisk]:
        """The states with their risk over the times shown, and the change since the day before."""
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
            time_zone=self.zone,
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


def _unknown(have: Iterable[str], known: Sequence[str]) -> list[str]:
    folded = {name.casefold() for name in known}
    return sorted((name for name in have if name.casefold() not in folded), key=natural_key)


def _idle(given: Sequence[Period], at: int) -> Period | None:
    period = periods.at_time(at, given)
    return period if period is not None and period.state in periods.IDLE else None


def _hours(ms: int) -> str:
    hours = ms / times.HOUR
    return f"{hours:.0f} h" if hours < 72 else f"{hours / 24:.0f} days"
