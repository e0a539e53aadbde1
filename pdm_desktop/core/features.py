"""Frames to point-in-time features and labels.

A row belongs to one machine and one time t and uses only what was known at t: readings and events with time <= t and,
where the record says when it became known, known <= t. Sensor and error windows are by time, (t - width, t], and never
reach back past the machine's last failure before or at t: the machine after the repair is another machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from pdm_desktop.core.moments import Floats, Ints, window_moments
from pdm_desktop.core.times import DAY, HOUR, MINUTE

FEATURE_VERSION = 1

Subject = Literal["sensor", "error", "component", "machine_model", "age", "silence"]

_NEVER = np.iinfo(np.int64).min // 4
_GRID_STEPS = [m * MINUTE for m in (1, 2, 5, 10, 15, 30)] + [h * HOUR for h in (1, 2, 3, 6, 12, 24)]
# Beyond it a float32, and with it the booster, knows only infinity.
_LARGEST = 3e38
_WINDOW_STATISTICS = ("mean", "std", "min", "max")


class Feature(NamedTuple):
    """One column: what it is about (a sensor's name, an error code, a component ...) and its name."""

    subject: Subject
    about: str
    name: str


@dataclass(frozen=True)
class FeatureSpec:
    """Which columns there are and in which order; stored with the model, so that both always agree.

    Widths are in ms. `attributes` off leaves out age and machine model.
    """

    sensors: tuple[str, ...]
    codes: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    machine_models: tuple[str, ...] = ()
    horizon: int = 24 * HOUR
    short: int = 3 * HOUR
    long: int = 24 * HOUR
    baseline: int = 14 * DAY
    attributes: bool = True
    version: int = FEATURE_VERSION

    @cached_property
    def columns(self) -> tuple[Feature, ...]:
        """Every column in matrix order."""
        short, long = width_text(self.short), width_text(self.long)
        columns: list[Feature] = []
        for sensor in self.sensors:
            names = [f"{statistic}_{width}" for width in (short, long) for statistic in _WINDOW_STATISTICS]
            names += [f"slope_{long}", f"deviation_{width_text(self.baseline)}"]
            columns += [Feature("sensor", sensor, f"{sensor}_{name}") for name in names]
        for code in self.codes:
            columns += [Feature("error", code, f"{code}_count_{long}"), Feature("error", code, f"{code}_hours_since")]
        columns += [Feature("component", c, f"{c}_days_since_replacement") for c in self.components]
        if self.attributes:
            columns.append(Feature("age", "", "age"))
            columns += [Feature("machine_model", m, f"machine_model_{m}") for m in self.machine_models]
        columns.append(Feature("silence", "", "hours_since_reading"))
        return tuple(columns)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Column names in matrix order."""
        return tuple(column.name for column in self.columns)

    @property
    def reach(self) -> int:
        """How far back (ms) readings matter to a row."""
        return max(self.baseline, self.long, self.horizon)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `names` is there for readers, `from_dict` checks it."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in plain.items()} | {"names": list(self.names)}

    @staticmethod
    def from_dict(plain: dict[str, Any]) -> FeatureSpec:
        """The inverse of `to_dict`; ValueError when this program would name the columns otherwise."""
        names = tuple(plain["names"])
        rest: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in plain.items() if k != "names"}
        spec = FeatureSpec(**rest)
        if spec.names != names or spec.version != FEATURE_VERSION:
            raise ValueError("the model's features are not the features of this program")
        return spec

    @staticmethod
    def for_horizon(horizon: int, **rest: Any) -> FeatureSpec:
        """The default windows scaled to a horizon (ms): an eighth, the whole and fourteen times of it."""
        return replace(FeatureSpec(**rest), horizon=horizon, short=horizon // 8, long=horizon, baseline=14 * horizon)


def width_text(width: int) -> str:
    """A window's width for names: 3h, 30min, 14d."""
    if width % DAY == 0 and width > DAY:
        return f"{width // DAY}d"
    return f"{width // HOUR}h" if width % HOUR == 0 else f"{width / MINUTE:g}min"


@dataclass(frozen=True)
class EventSeries:
    """One machine's events of one kind, ascending in time. known: when each became known, ms; -1 = not recorded."""

    times: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    labels: tuple[str, ...] = ()
    known: Ints | None = None

    def of(self, label: str) -> EventSeries:
        """Only the events of one label."""
        keep = np.fromiter((x == label for x in self.labels), bool, len(self.labels))
        known = None if self.known is None else self.known[keep]
        return EventSeries(self.times[keep], tuple(x for x in self.labels if x == label), known)

    @property
    def visible(self) -> Ints:
        """The time from which each event may be used: when it happened or, if later, when it became known."""
        return self.times if self.known is None else np.maximum(self.times, self.known)

    def latest(self, at: Ints) -> Ints:
        """For each t the newest event time usable at t; a time before all times where there is none."""
        if not len(self.times):
            return np.full(len(at), _NEVER)
        visible = self.visible
        order = np.argsort(visible, kind="stable")
        newest = np.concatenate(([_NEVER], np.maximum.accumulate(self.times[order])))
        return newest[np.searchsorted(visible[order], at, "right")]

    def count(self, since: Ints, at: Ints) -> Ints:
        """For each t how many events lie in (since, t] and were known at t."""
        counts = np.searchsorted(self.times, at, "right") - np.searchsorted(self.times, since, "right")
        visible = self.visible
        for late in np.flatnonzero(visible > self.times):
            counts -= (self.times[late] > since) & (self.times[late] <= at) & (visible[late] > at)
        return counts


@dataclass(frozen=True)
class MachineHistory:
    """One machine's record. times: (n,) ms ascending; values: (S, n) in the order of `sensors`, NaN = no value."""

    machine: str
    sensors: tuple[str, ...]
    times: Ints
    values: Floats
    machine_model: str = ""
    age: float | None = None
    errors: EventSeries = field(default_factory=EventSeries)
    maintenance: EventSeries = field(default_factory=EventSeries)
    failures: EventSeries = field(default_factory=EventSeries)

    def readings_of(self, sensor: str) -> tuple[Ints, Floats]:
        """Times and values of one sensor without its empty cells; names compare without case."""
        folded = sensor.casefold()
        for row, name in enumerate(self.sensors):
            if name.casefold() == folded:
                values = self.values[row]
                filled = ~np.isnan(values)
                return (self.times, values) if filled.all() else (self.times[filled], values[filled])
        return np.empty(0, np.int64), np.empty(0)


def grid_step(horizon: int, sampling: int | None) -> int:
    """The step (ms) of the grid of scored times: horizon / 24 rounded down to a usual step, not finer than sampling."""
    wanted = horizon / 24
    step = max([s for s in _GRID_STEPS if s <= wanted], default=_GRID_STEPS[0])
    if sampling is not None and step < sampling:
        step = min([s for s in _GRID_STEPS if s >= sampling], default=_GRID_STEPS[-1])
    return step


def grid(start: int, end: int, step: int) -> Ints:
    """Grid times (ms) in [start, end]: whole steps counted from midnight UTC."""
    return np.arange(-(-start // step) * step, end // step * step + 1, step, dtype=np.int64)


def scored_times(history: MachineHistory, at: Ints, horizon: int) -> Ints:
    """Those of `at` at which the machine's newest reading is at most a horizon old: only they have a row."""
    index = np.searchsorted(history.times, at, "right")
    newest = np.concatenate(([_NEVER], history.times))[index]
    return at[at - newest <= horizon]


def silent_sensors(history: MachineHistory, spec: FeatureSpec, at: Ints) -> npt.NDArray[np.bool_]:
    """(len(at), S): True where a sensor of the spec gave no value in (t - horizon, t]; such a row has no score."""
    silent = np.empty((len(at), len(spec.sensors)), bool)
    for column, sensor in enumerate(spec.sensors):
        times, _ = history.readings_of(sensor)
        first = np.searchsorted(times, at - spec.horizon, "right")
        silent[:, column] = np.searchsorted(times, at, "right") == first
    return silent


def labels(failures: EventSeries, at: Ints, horizon: int, known_until: int) -> npt.NDArray[np.int8]:
    """For each t: 1 when a failure falls in (t, t + horizon], 0 when none does, -1 when the record does not tell.

    The record tells as far as `known_until` (ms): rows whose horizon ends later have no label.
    """
    coming = np.searchsorted(failures.times, at + horizon, "right") > np.searchsorted(failures.times, at, "right")
    return np.where(at + horizon > known_until, -1, coming).astype(np.int8)


def label_matrix(
    failures: EventSeries, components: Sequence[str], at: Ints, horizon: int, known_until: int
) -> npt.NDArray[np.int8]:
    """(len(at), 1 + C): column 0 any failure, then one per component; values as in `labels`."""
    series = [failures, *(failures.of(component) for component in components)]
    return np.column_stack([labels(s, at, horizon, known_until) for s in series])


def build(
    history: MachineHistory, spec: FeatureSpec, at: Ints, dtype: npt.DTypeLike = np.float64
) -> npt.NDArray[np.floating[Any]]:
    """The feature matrix (len(at), len(spec.names)) of one machine at the times `at` (ms, ascending); NaN = unknown.

    Sensors are matched by name without case. float32 is for training and bulk scoring: XGBoost rounds to it anyway.
    """
    matrix = np.empty((len(at), len(spec.names)), dtype)
    failed = history.failures.latest(at)
    _sensor_columns(history, spec, at, failed, matrix)
    column = len(spec.sensors) * (2 * len(_WINDOW_STATISTICS) + 2)
    since = np.maximum(at - spec.long, failed)
    for code in spec.codes:
        errors = history.errors.of(code)
        newest = errors.latest(at)
        matrix[:, column] = errors.count(since, at)
        matrix[:, column + 1] = np.where(newest > failed, (at - newest) / HOUR, np.nan)
        column += 2
    for component in spec.components:
        newest = history.maintenance.of(component).latest(at)
        matrix[:, column] = np.where(newest > _NEVER, (at - newest) / DAY, np.nan)
        column += 1
    if spec.attributes:
        matrix[:, column] = np.nan if history.age is None else history.age
        for offset, name in enumerate(spec.machine_models, 1):
            matrix[:, column + offset] = float(history.machine_model == name)
        column += 1 + len(spec.machine_models)
    index = np.searchsorted(history.times, at, "right")
    newest = np.concatenate(([_NEVER], history.times))[index]
    matrix[:, column] = np.where(newest > _NEVER, (at - newest) / HOUR, np.nan)
    return matrix


def usual_averages(history: MachineHistory, spec: FeatureSpec, at: int) -> dict[str, Floats]:
    """Each sensor's averages over the long window, every quarter window in the baseline span before `at`.

    They are what a present average is compared with in words; fewer than eight make no "usual".
    """
    failed = int(history.failures.latest(np.array([at]))[0])
    begin = max(at - spec.baseline, failed) + spec.long
    found: dict[str, Floats] = {}
    for columns, times, values in _series_with_equal_times(history, spec.sensors):
        first = max(begin, int(times[0]) + spec.long) if len(times) else at
        ends = np.arange(first, at - spec.long + 1, max(spec.long // 4, 1), dtype=np.int64)
        windows = {"w": (np.searchsorted(times, ends - spec.long, "right"), np.searchsorted(times, ends, "right"))}
        means = window_moments(times, values, windows)["w"].mean
        for offset, column in enumerate(columns):
            found[spec.sensors[column]] = means[~np.isnan(means[:, offset]), offset]
    return found


def _sensor_columns(
    history: MachineHistory, spec: FeatureSpec, at: Ints, failed: Ints, matrix: npt.NDArray[np.floating[Any]]
) -> None:
    per_sensor = 2 * len(_WINDOW_STATISTICS) + 2
    for columns, times, values in _series_with_equal_times(history, spec.sensors):
        end = np.searchsorted(times, at, "right")
        settled = at - spec.long
        windows = {
            "short": (np.searchsorted(times, np.maximum(at - spec.short, failed), "right"), end),
            "long": (np.searchsorted(times, np.maximum(settled, failed), "right"), end),
            # The baseline ends where the long window begins, so that what is compared is not part of its own measure.
            "baseline": (
                np.searchsorted(times, np.maximum(at - spec.baseline, failed), "right"),
                np.searchsorted(times, np.maximum(settled, failed), "right"),
            ),
        }
        # Squares of absurd readings may overflow: what comes of it is clipped below or is no number, as it should be.
        with np.errstate(over="ignore", invalid="ignore"):
            stats = window_moments(times, values, windows, extremes=("short", "long"), slopes=("long",))
            short, long, base = stats["short"], stats["long"], stats["baseline"]
            spread = np.where(base.std > 0, base.std, np.nan)
            blocks = (*short[:4], *long[:5], (long.mean - base.mean) / spread)
        for offset, block in enumerate(blocks):
            matrix[:, [c * per_sensor + offset for c in columns]] = np.clip(block, -_LARGEST, _LARGEST)


def _series_with_equal_times(
    history: MachineHistory, sensors: Sequence[str]
) -> Iterator[tuple[list[int], Ints, Floats]]:
    """(columns, times (n,), values (n, len(columns))): sensors without empty cells together, the others one by one."""
    together: list[tuple[int, Floats]] = []
    for column, sensor in enumerate(sensors):
        times, values = history.readings_of(sensor)
        if times is history.times:
            together.append((column, values))
        else:
            yield [column], times, values[:, None]
    if together:
        yield [c for c, _ in together], history.times, np.column_stack([v for _, v in together])
