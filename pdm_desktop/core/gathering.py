"""What a plant's record offers for training: which rows, features, spans; what is missing."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.evaluation import Prevented
from pdm_desktop.core.features import (
    FeatureSpec,
    MachineHistory,
    grid,
    grid_step,
    scored_times,
    silent_sensors,
)
from pdm_desktop.core.histories import histories
from pdm_desktop.core.model_results import TrainingData, TrainingSettings
from pdm_desktop.core.moments import Ints
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.rowset import Splits, split
from pdm_desktop.core.service import InService
from pdm_desktop.core.settings import Settings
from pdm_desktop.core.store import Store
from pdm_desktop.core.times import HOUR, short

FEWEST, ENOUGH = 3, 30
"""Failures: fewer cannot be split into training, validation and test; below ENOUGH figures are told with a warning."""
MOST_SILENT = 0.2
"""A sensor without values in more of the time than this would leave too many rows without a score: it is left out."""
MOST_CODES, MOST_COMPONENTS = 60, 30
_AT_ONCE = 25


@dataclass(frozen=True)
class Gathered:
    """One plant's record, read once: machine -> history and row times; spec: the features it gives.

    Machines that fail without ever giving a reading are among them, with no rows: nobody is warned of their failures.
    """

    histories: Mapping[str, MachineHistory]
    times: Mapping[str, Ints]
    """Those at which every sensor of `spec` has values."""
    running: Mapping[str, Ints]
    """Those at which the machine is in use and read at all, whatever its sensors: a model may need fewer of them."""
    spec: FeatureSpec
    components: tuple[str, ...]
    step: int
    sampling: int | None
    known_until: int
    missing: tuple[str, ...]
    prevented: Mapping[str, tuple[Prevented, ...]] = field(default_factory=dict)
    """machine -> the failures that were prevented there; filled by who knows of alarms."""

    @property
    def failures(self) -> list[tuple[int, str]]:
        """(time, machine) of every failure with rows before it and not after the last row, in order of time; one a
        machine and time. A failure just beyond the last row has its run-up seen in part only."""
        found = set()
        end = max((int(times[-1]) for times in self.times.values() if len(times)), default=0)
        for machine, times in self.times.items():
            known = np.unique(self.histories[machine].failures.times)
            rows = np.searchsorted(times, known) - np.searchsorted(times, known - self.spec.horizon)
            found |= {(int(time), machine) for time in known[(rows > 0) & (known <= end)]}
        return sorted(found)

    def looked_at(self, start: int, end: int, machines: Sequence[str] | None = None) -> set[tuple[int, str]]:
        """(time, machine) of the failures that rows of [start, end] (ms) look at."""
        horizon, found = self.spec.horizon, set()
        for machine in self.histories if machines is None else machines:
            known = np.unique(self.histories[machine].failures.times)
            times = self.times[machine]
            seen = np.searchsorted(times, known) > np.searchsorted(times, known - horizon)
            found |= {(int(t), machine) for t in known[seen & (start < known) & (known <= end + horizon)]}
        return found

    def count(self, start: int, end: int, machines: Sequence[str] | None = None) -> int:
        """How many failures rows of [start, end] (ms) look at."""
        return len(self.looked_at(start, end, machines))


def gather(store: Store, settings: Settings, options: TrainingSettings, progress: Progress) -> Gathered:
    """Read the record as far as its outcome is known. PdmError when there is no reading, or no failure on record."""
    if options.features not in ("all", "telemetry"):
        raise PdmError(f"{options.features!r} is no choice of features.", "Use all or telemetry.", "features")
    if options.horizon_h is not None and not math.isfinite(options.horizon_h):
        raise PdmError(f"A horizon of {options.horizon_h} h is none.", "One minute to one year.", "horizon_h")
    horizon = settings.horizon if options.horizon_h is None else round(options.horizon_h * HOUR)
    if not HOUR // 60 <= horizon <= 366 * 24 * HOUR:
        raise PdmError(f"A horizon of {horizon / HOUR:g} h is out of range.", "One minute to one year.", "horizon_h")
    known_until = settings.known_until
    if known_until is None:
        known_until = store.newest_event("failures")
    if known_until is None:
        raise PdmError(
            "There is no failure on record: nothing tells what comes before one, so no model can be trained.",
            "Import the plant's failure records, or enter failures by hand.",
        )
    if options.until is not None:
        known_until = min(known_until, options.until)
    sampling = store.sampling_ms()
    step = grid_step(horizon, sampling)
    known = list(store.machines()["machine"])
    strange = [machine for machine in options.machines if machine not in known]
    if strange:
        raise PdmError(f"There is no machine {strange[0]!r}.", "See the Data page for the machines.", "machine")
    chosen = list(options.machines) or known
    read: dict[str, MachineHistory] = {}
    for first in range(0, len(chosen), _AT_ONCE):
        progress.step(first, len(chosen), "Reading the record")
        part = histories(store, chosen[first : first + _AT_ONCE], None, known_until)
        read |= {history.machine: history for history in part}
    missing = _unread(read)
    with_readings = {machine: history for machine, history in read.items() if len(history.times)}
    if not with_readings:
        raise PdmError("There are no readings to learn from.", "Import telemetry first.")
    start = min(int(h.times[0]) for h in with_readings.values())
    at = grid(max(start, options.since or start), known_until - horizon, step)
    everything = FeatureSpec.for_horizon(horizon, sensors=tuple(s.name for s in store.sensors()))
    alive = {machine: scored_times(history, at, horizon) for machine, history in with_readings.items()}
    silent = {
        machine: silent_sensors(history, everything, alive[machine]) for machine, history in with_readings.items()
    }
    share = np.concatenate(list(silent.values())).mean(axis=0) if at.size else np.ones(len(everything.sensors))
    kept = [i for i, quiet in enumerate(share) if quiet <= MOST_SILENT]
    missing += [
        f"Sensor {name} is left out: no value in {quiet:.0%} of the time."
        for name, quiet in zip(everything.sensors, share, strict=True)
        if quiet > MOST_SILENT
    ]
    if not kept:
        raise PdmError(
            "No sensor has values often enough to learn from.",
            "Train on machines of one kind, or import more readings.",
        )
    missing += _lacking(silent, everything.sensors, kept)
    service = InService(store)
    times, running = {}, {}
    for machine, history in with_readings.items():
        usable = service.usable(history, alive[machine])
        running[machine] = alive[machine][usable]
        times[machine] = alive[machine][usable & ~silent[machine][:, kept].any(1)]
    spec, components, more = _spec(with_readings, options, horizon, tuple(everything.sensors[i] for i in kept))
    retired = store.names.retired()
    unread = {m: h for m, h in read.items() if not len(h.times) and len(h.failures.times) and m not in retired}
    for machine in unread:
        times[machine] = running[machine] = np.empty(0, np.int64)
    record = with_readings | unread
    return Gathered(record, times, running, spec, components, step, sampling, known_until, (*missing, *more))


def _unread(read: Mapping[str, MachineHistory]) -> list[str]:
    """Which machines have no readings, in words."""
    unread = [machine for machine, history in read.items() if not len(history.times)]
    if not unread:
        return []
    words = f"No readings of machine{'' if len(unread) == 1 else 's'} {_listed(unread)}"
    if any(len(read[machine].failures.times) for machine in unread):
        words += ": nobody can be warned of their failures, which count as missed for want of data"
    return [f"{words}."]


def _lacking(silent: Mapping[str, npt.NDArray[np.bool_]], sensors: Sequence[str], kept: Sequence[int]) -> list[str]:
    """Which machines have no row to learn from or to be scored at for lack of a sensor that others have, in words."""
    told = []
    for column in kept:
        without = [machine for machine, quiet in silent.items() if len(quiet) and quiet[:, column].all()]
        if without:
            one = len(without) == 1
            told.append(
                f"Sensor {sensors[column]} has no value on machine{'' if one else 's'} {_listed(without)}: "
                f"{'it is' if one else 'they are'} left out, and this candidate will have no risk for "
                f"{'it' if one else 'them'}. Train without {'it' if one else 'them'}, or without that sensor."
            )
    return told


def _spec(
    record: Mapping[str, MachineHistory], options: TrainingSettings, horizon: int, sensors: tuple[str, ...]
) -> tuple[FeatureSpec, tuple[str, ...], list[str]]:
    """The features, the components that failed (each gets a risk of its own), and what was left out, in words."""
    codes = Counter(label for h in record.values() for label in h.errors.labels)
    parts = Counter(label for h in record.values() for label in (*h.maintenance.labels, *h.failures.labels))
    failed = Counter(label for h in record.values() for label in h.failures.labels)
    models = sorted({h.machine_model for h in record.values() if h.machine_model})
    left_out = []
    for what, found, most in (("error codes", codes, MOST_CODES), ("components", parts, MOST_COMPONENTS)):
        if len(found) > most:
            left_out.append(f"Of {len(found)} {what} the {most} most frequent are used.")
    components = _most(failed, MOST_COMPONENTS)
    if options.features == "telemetry":
        return FeatureSpec.for_horizon(horizon, sensors=sensors, attributes=False), components, left_out
    spec = FeatureSpec.for_horizon(
        horizon,
        sensors=sensors,
        codes=_most(codes, MOST_CODES),
        components=_most(parts, MOST_COMPONENTS),
        machine_models=tuple(models[:MOST_COMPONENTS]),
    )
    return spec, components, left_out


def _most(counted: Counter[str], most: int) -> tuple[str, ...]:
    return tuple(sorted(name for name, _ in counted.most_common(most)))


def choose_splits(found: Gathered, options: TrainingSettings) -> tuple[Splits, list[str]]:
    """The spans asked for, else 60/15/25 % of the time; moved, and told so, where a part would hold no failure."""
    horizon = found.spec.horizon
    times = [time for time, _ in found.failures]
    if len(set(times)) < FEWEST:
        on_record = sum(len(np.unique(history.failures.times)) for history in found.histories.values())
        raise PdmError(
            f"{on_record} failure{'' if on_record == 1 else 's'} on record, {len(set(times))} of them with a run-up "
            f"and an outcome that are known: too few to learn from and to test what was learned.",
            f"At least {FEWEST} are needed, {ENOUGH} make figures one can trust. Import older failure records with "
            f"their readings, or wait; the newest failure counts once “failures known until” is set beyond it.",
        )

    def made(valid_from: int | None, test_from: int | None) -> Splits:
        return split(
            found.times,
            horizon,
            validation_from=valid_from,
            test_from=test_from,
            held_out=options.holdout_machines,
            seed=options.seed,
        )

    splits = made(options.valid_from, options.test_from)
    if options.valid_from is not None or options.test_from is not None:
        return splits, []
    spans = (
        (splits.train_from, splits.train_to),
        (splits.validation_from, splits.validation_to),
        (splits.test_from, splits.test_to),
    )
    seen = [m for m in found.times if m not in splits.held_out]
    if all(found.count(*span, seen) for span in spans):
        return splits, []
    distinct = sorted(set(times))
    last = max(1, round(0.25 * len(distinct)))
    middle = max(1, round(0.15 * len(distinct)))
    test_from = _between(distinct, len(distinct) - last, horizon, found.step)
    valid_from = _between(distinct, len(distinct) - last - middle, horizon, found.step)
    told = "The usual split would leave a part without a failure: its times were moved so that each has one."
    return made(valid_from, test_from), [told]


def learnable(found: Gathered, splits: Splits) -> tuple[str, ...]:
    """The components that failed ahead of rows to be trained on: of others there is nothing to learn a risk from, and
    what fails in the test alone must not change the model."""
    seen = [machine for machine in found.times if machine not in splits.held_out]
    ahead = found.looked_at(splits.train_from, splits.train_to, seen)
    failed = {
        label
        for machine, history in found.histories.items()
        for time, label in zip(history.failures.times.tolist(), history.failures.labels, strict=True)
        if (time, machine) in ahead
    }
    return tuple(name for name in found.components if name in failed)


def _between(times: Sequence[int], first: int, horizon: int, step: int) -> int:
    """A grid time between failure `first` and the one before it, such that both keep rows on their side."""
    before, after = times[first - 1], times[first]
    return int(max((before + max(after - horizon, before)) // 2, before) // step + 1) * step


def training_data(store: Store, settings: Settings, options: TrainingSettings, progress: Progress) -> TrainingData:
    """What there is to learn from, in figures and plain words; never raises for too little of it."""
    horizon_h = settings.horizon_h if options.horizon_h is None else options.horizon_h
    try:
        found = gather(store, settings, options, progress)
    except PdmError as exc:
        return _nothing(exc, horizon_h)
    rows = [times for times in found.times.values() if len(times)]
    start, end = (min(int(t[0]) for t in rows), max(int(t[-1]) for t in rows)) if rows else (None, None)
    failures = found.looked_at(start, end) if start is not None and end is not None else set()
    by_component = Counter(
        label
        for machine, history in found.histories.items()
        for time, label in zip(history.failures.times.tolist(), history.failures.labels, strict=True)
        if (time, machine) in failures
    )
    advice: list[str] = []
    valid_from = test_from = None
    by_span: dict[str, int] = {}
    try:
        splits, told = choose_splits(found, options)
        advice += told
        valid_from, test_from = splits.validation_from, splits.test_from
        by_span = {
            "train": found.count(splits.train_from, splits.train_to),
            "validation": found.count(splits.validation_from, splits.validation_to),
            "test": found.count(splits.test_from, splits.test_to),
        }
        trainable = True
    except PdmError as exc:
        advice += [exc.message, exc.hint]
        trainable = False
    few = len(failures) < ENOUGH
    if trainable and few:
        advice.append(
            f"{len(failures)} failures are few: the figures will be rough, and a candidate will hardly be shown to be "
            f"better beyond luck. {ENOUGH} or more make them firm."
        )
    if settings.known_until is None:
        advice.append(
            f"Failures are taken as known until the newest on record ({short(found.known_until, settings.time_zone)}); "
            f"set “failures known until” if the record is complete beyond it."
        )
    machines = tuple(machine for machine, times in found.times.items() if len(times))
    return TrainingData(
        start=start,
        end=end,
        known_until=found.known_until,
        horizon_h=horizon_h,
        step_h=found.step / HOUR,
        machines=machines,
        readings=sum(len(h.times) for h in found.histories.values()),
        failures=len(failures),
        failures_by_component=dict(sorted(by_component.items())),
        sensors=found.spec.sensors,
        codes=found.spec.codes,
        components=found.components,
        valid_from=valid_from,
        test_from=test_from,
        failures_by_span=by_span,
        missing=found.missing,
        verdict="not enough" if not trainable else ("few" if few else "enough"),
        advice=tuple(line for line in advice if line),
        suggested_holdout=len(machines) // 10 if not few else 0,
    )


def failures_on_record(store: Store, since: int | None, until: int) -> int:
    """Failures on record after `since`, up to `until` (ms), one a machine and time."""
    if since is not None and since >= until:
        return 0
    events = store.events("failures", None, None if since is None else since + 1, until)
    return len(events[["machine", "time"]].drop_duplicates())


def _nothing(why: PdmError, horizon_h: float) -> TrainingData:
    return TrainingData(
        start=None,
        end=None,
        known_until=None,
        horizon_h=horizon_h,
        step_h=None,
        machines=(),
        readings=0,
        failures=0,
        failures_by_component={},
        sensors=(),
        codes=(),
        components=(),
        valid_from=None,
        test_from=None,
        failures_by_span={},
        missing=(why.message,),
        verdict="not enough",
        advice=(why.hint,) if why.hint else (),
    )


def _listed(names: Sequence[str], most: int = 12) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
