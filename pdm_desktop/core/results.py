"""What use cases return: frozen values the window and the command line read. Times are ms UTC."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from pdm_desktop.core.record_results import Edit, EventKind, Period, PeriodRule

Band = Literal["alarm", "watch", "normal", "stale", "unknown"]
ClockMode = Literal["live", "end-of-data"]


@dataclass(frozen=True)
class Reason:
    """One feature's share of a risk. contribution: log-odds, positive raises the risk. text: plain words."""

    feature: str
    text: str
    contribution: float


@dataclass(frozen=True)
class ModelInfo:
    """The model version a number came from."""

    name: str
    version: str
    run_id: str
    feature_version: int
    horizon_h: float
    threshold: float


@dataclass(frozen=True)
class MachineRisk:
    """One machine's state at `as_of`. risk is None in band `unknown` (and for a stale machine never scored)."""

    machine: str
    machine_model: str
    age: float | None
    risk: float | None
    band: Band
    threshold: float
    component_risks: dict[str, float]
    reasons: tuple[Reason, ...]
    as_of: int
    """The time the risk holds for; for a stale machine the grid time of its newest reading."""
    last_reading: int | None
    data_age_h: float | None
    """Clock minus newest reading."""
    change: float | None = None
    """Risk now minus risk 24 h before, as probability; None when either is missing."""
    history_times: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    history_risk: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    """The last 14 days on the grid, oldest first; NaN where there is no score."""
    note: str = ""
    """Why there is no number."""
    doubts: tuple[str, ...] = ()
    """What weakens the number: a stuck sensor, a gap, a jump of the clock, values beyond plausible limits."""

    @property
    def top_component(self) -> str:
        """The component with the highest risk; empty when there is none."""
        return max(self.component_risks, key=self.component_risks.__getitem__) if self.component_risks else ""


@dataclass(frozen=True)
class Fleet:
    """Every machine's state at one time, ranked by risk (highest first, no number last)."""

    as_of: int
    clock: ClockMode
    time_zone: str
    plant_name: str
    horizon_h: float
    model: ModelInfo | None
    rows: tuple[MachineRisk, ...]
    newest_reading: int | None
    failures_30d: int
    alarms_change: int | None
    """Machines in alarm now minus 24 h before; None when unknown."""
    watch_change: int | None
    notes: tuple[str, ...] = ()
    """Plain messages that concern the whole plant: sensors the champion does not know, unknown error codes ..."""

    def count(self, band: Band) -> int:
        """How many machines are in `band`."""
        return sum(row.band == band for row in self.rows)


@dataclass(frozen=True)
class SensorTrace:
    """One sensor of one machine. mean/low/high: rolling 24 h mean, and normal range (mean and 2 standard deviations of
    the machine's own longer baseline at the end of the span)."""

    name: str
    unit: str
    times: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]
    mean_times: npt.NDArray[np.int64]
    mean: npt.NDArray[np.float64]
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Event:
    """One error, replacement or failure; label: the code or component."""

    kind: EventKind
    time: int
    label: str


@dataclass(frozen=True)
class MachineView:
    """Everything the machine page shows for one machine over [start, end]."""

    state: MachineRisk
    time_zone: str
    horizon_h: float
    model: ModelInfo | None
    start: int
    end: int
    first_reading: int | None
    sensors: tuple[SensorTrace, ...]
    events: tuple[Event, ...]
    risk_times: npt.NDArray[np.int64]
    risk: npt.NDArray[np.float64]
    """On the grid; NaN where there is no score."""
    alarm_since: int | None
    last_failure: Event | None


@dataclass(frozen=True)
class Stuck:
    """A span in which a sensor showed one and the same value for too long. start, end: its first and last reading."""

    sensor: str
    start: int
    end: int
    value: float


@dataclass(frozen=True)
class ClockJump:
    """Readings on a regular beat that went on with another: the first of those, and by how many ms the beat moved."""

    time: int
    by: int


@dataclass(frozen=True)
class SensorRow:
    """One sensor of the plant. low, high: plausible limits, None = none; outside: values kept that lie beyond them."""

    name: str
    unit: str
    low: float | None
    high: float | None
    outside: int


@dataclass(frozen=True)
class DataRow:
    """What the store holds of one machine. gaps: (start, end) of every silence longer than three sampling steps."""

    machine: str
    machine_model: str
    age: float | None
    readings: int
    errors: int
    maintenance: int
    failures: int
    first: int | None
    last: int | None
    gaps: tuple[tuple[int, int], ...]
    stuck: tuple[Stuck, ...] = ()
    jumps: tuple[ClockJump, ...] = ()
    outside: tuple[tuple[str, int], ...] = ()
    """(sensor, values beyond its plausible limits), where there are any."""
    retired: int | None = None
    """Since when it is out of use, ms."""


@dataclass(frozen=True)
class Batch:
    """One imported file. rows of the file = accepted + unchanged + duplicates + conflicts + rejected."""

    id: int
    file: str
    sha256: str
    kind: str
    imported_at: int
    accepted: int
    unchanged: int
    duplicates: int
    conflicts: int
    rejected: int
    undone: bool
    profile: str = ""
    """By which it was read; empty where none was applied."""
    rejected_values: int = 0
    """Single values of rows that came in."""
    rejects: str = ""
    """The file of what was rejected, in the workspace's imports folder; empty where nothing was."""


@dataclass(frozen=True)
class ConflictCell:
    """A cell in which an import differed from what was there: its line, where it is, and both values (a make is a
    text, a time in ms). time and label: None where the record has none."""

    line: int
    machine: str
    time: int | None
    label: str | None
    cell: str
    """The sensor's name, machine_model, age or known."""
    old: float | str
    new: float | str


@dataclass(frozen=True)
class DataOverview:
    """The Data page."""

    time_zone: str
    sensors: tuple[tuple[str, str], ...]
    """(name, unit) in catalogue order."""
    rows: tuple[DataRow, ...]
    batches: tuple[Batch, ...]
    failures_known_until: int | None
    sampling_ms: int | None
    sensor_rows: tuple[SensorRow, ...] = ()
    rules: tuple[PeriodRule, ...] = ()
    periods: tuple[Period, ...] = ()
    """Those entered and from files."""
    edits: tuple[Edit, ...] = ()
    """Every change by hand, newest first."""
    known_until_set: bool = False
    """Whether failures_known_until was set by hand (else it is the newest failure)."""
    stuck_h: float = 12.0


class RejectedCell(NamedTuple):
    """A row (column: empty) or value that did not come in: its line, what stood there, and why."""

    line: int
    column: str
    content: str
    reason: str


@dataclass(frozen=True)
class FileReport:
    """What one file's import did, in the words of the command line's JSON."""

    file: str
    kind: str
    layout: str
    encoding: str
    delimiter: str
    decimal: str
    time_zone: str
    columns: dict[str, str]
    machines: tuple[str, ...]
    sensors: tuple[tuple[str, str], ...]
    accepted: int
    rejected: int
    duplicates: int
    conflicts: int
    unchanged: int
    accepted_values: int
    rejected_values: int
    missing_cells: int
    batch: int | None
    """None when nothing changed."""
    rejects_file: str | None
    sheet: str | None = None
    header_row: int = 1
    units_row: int | None = None
    bad_quality_values: int = 0
    flagged_values: int = 0
    """Values outside their sensor's plausible limits: kept."""
    ignored_columns: tuple[str, ...] = ()
    machine: str | None = None
    """Said by the user, where the file has no column for it."""
    day_first: bool | None = None
    """The order of day and month that held; None where it does not matter."""
    fold_times: int = 0
    """Times that the clock showed twice, told apart by their order in the file."""
    gap_times: int = 0
    """Times that the clock never showed, read as if it had not been put forward."""
    profile: str | None = None
    notes: tuple[str, ...] = ()
    reasons: tuple[tuple[str, int], ...] = ()
    """(why something was rejected, how often), the most frequent first."""
    rejects: tuple[RejectedCell, ...] = ()
    """The first of what was rejected, in the file's order; all of it is in the rejects file."""
    changed: dict[str, int] = field(default_factory=dict)
    """machine -> the earliest time (ms) at which its record changed; what scoring must look at again."""


@dataclass(frozen=True)
class ImportReport:
    """What an import did, a FileReport a file."""

    files: tuple[FileReport, ...]
    seconds: float
    left_out: tuple[tuple[str, str], ...] = ()
    """(name, why) of each file of a folder that has a table's ending and is none of a plant."""


@dataclass(frozen=True)
class WatchSettings:
    """A folder whose new and grown files are imported. folder: empty = none chosen; move: into done/ and failed/ in it
    once imported or refused, else files stay where they are."""

    folder: str = ""
    on: bool = False
    move: bool = False


@dataclass(frozen=True)
class WatchFailure:
    """A file of the watched folder that did not come in, and why."""

    file: str
    reason: str


@dataclass(frozen=True)
class WatchReport:
    """What one look into the watched folder did. Names are file names inside the folder."""

    imported: tuple[FileReport, ...] = ()
    failed: tuple[WatchFailure, ...] = ()
    known: tuple[str, ...] = ()
    """Files whose content had come in before; nothing was done with it."""
    waiting: tuple[str, ...] = ()
    """Files that may still be growing or are held open; a later look takes them."""
    problem: str = ""
    """Why the folder could not be looked into, or a file not be moved; empty when all went well."""

    @property
    def changed(self) -> bool:
        """Whether the plant's record changed."""
        return any(file.batch is not None for file in self.imported)


@dataclass(frozen=True)
class Upgrade:
    """What opening a workspace of an older version did to its record. backup: the record as it was."""

    before: str
    after: str
    backup: Path

    def __str__(self) -> str:
        """In words, for a person who only wanted to open a plant."""
        return (
            "This workspace was made by an older version of the program and has been brought up to date "
            f"(schema {self.before} to {self.after}); no figure of the record has changed. As it was, it is kept in "
            f"{self.backup.parent.name}/{self.backup.name}."
        )


def risk_text(risk: float | None) -> str:
    """A probability in per cent with the digits it deserves: 38 %, 0.4 %, < 0.1 %; a dash without a number."""
    if risk is None or math.isnan(risk):
        return "\N{EM DASH}"
    percent = 100 * risk
    if percent < 0.1:
        return "< 0.1 %"
    if percent < 0.95:
        return f"{percent:.1f} %"
    if 99.5 <= percent < 99.95:
        # Rounding up to 100 % would claim a certainty the model does not have.
        return f"{percent:.1f} %"
    return "> 99.9 %" if percent >= 99.95 else f"{percent:.0f} %"
