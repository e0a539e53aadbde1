"""How a file is read: what the user chose, what was recognised, and how its first rows look so. Frozen values that
the wizard and the command line share with the import.

Through the workspace: `recognise(path, choices, profile) -> Plan`, `preview(path, choices, rows, profile) -> Preview`,
`import_files(paths, progress, choices=Choices or {path: Choices}, profile=, dry_run=)`, `profiles()`,
`save_profile(name, plan) -> Profile`, `delete_profile(name)`.

Line numbers count from 1, as an editor shows them. A column is known by its header text; a second one of the same
text is called "text (2)".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.schema import KINDS, Kind
from pdm_desktop.core.tag_rules import KnownTags, TagRule

LayoutName = Literal["wide", "long", "wide tags"]
CellState = Literal["ok", "missing", "rejected", "ignored"]
Side = Literal["first", "last"]

LAYOUTS: tuple[LayoutName, ...] = ("wide", "long", "wide tags")
ROLES: dict[str, str] = {
    "machine": "the machine",
    "timestamp": "date and time",
    "date": "the date, beside a column of times",
    "time": "the time of day, beside a column of dates",
    "sensor": "a sensor's values",
    "error": "the error code",
    "component": "the component",
    "failure": "the component that failed; with a value: a status whose change into it is a failure",
    "machine_model": "the machine's make",
    "age": "the machine's age in years",
    "known": "when the record became known",
    "tag": "the name of what was measured (long layout)",
    "value": "what was measured (long layout)",
    "quality": "how good the value is; with a value: the one that means good",
    "state": "whether an alarm came or went; with a value: the one that means it came",
    "unit": "the unit of what was measured; with a column: of that one's values",
    "ignore": "not used",
}
"""Roles a column can be given, with words for people."""
_WITH_NAME = ("failure", "quality", "state", "unit")
"""Roles that take a name behind a colon."""


@dataclass(frozen=True)
class Role:
    """What a column holds. name: of a sensor, or the value of a status that means failure, of a quality that means
    good, of a state that means an alarm came, or the column whose units it holds; unit: of a sensor; machine: whose
    sensor it is, in layout "wide tags"."""

    role: str
    name: str = ""
    unit: str = ""
    machine: str = ""

    @staticmethod
    def parse(text: str) -> Role:
        """ROLE[:NAME[:UNIT]], as the command line writes it; PdmError for an unknown role."""
        role, _, rest = text.strip().partition(":")
        role = role.strip().casefold()
        if role not in ROLES:
            raise PdmError(f"There is no role {role!r}.", f"Roles are: {', '.join(ROLES)}.", "map")
        if role in _WITH_NAME:
            return Role(role, rest.strip())
        if rest and role != "sensor":
            raise PdmError(f"Only sensor, failure, quality, state and unit take a name, not {role}.", "", "map")
        name, _, unit = rest.partition(":")
        return Role(role, name.strip(), unit.strip())

    def __str__(self) -> str:
        if self.role in _WITH_NAME and self.name:
            return f"{self.role}:{self.name}"
        if self.role != "sensor" or not (self.name or self.unit):
            return self.role
        return f"{self.role}:{self.name}" + (f":{self.unit}" if self.unit else "")


@dataclass(frozen=True)
class Choices:
    """What the user said; None (or a missing column) leaves it to the program."""

    kind: Kind | None = None
    encoding: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    """Decimal mark: "." or ","."""
    header_row: int | None = None
    """The line of the column names; 0 = there is none."""
    units_row: int | None = None
    """0 = there is none."""
    sheet: str | None = None
    layout: LayoutName | None = None
    columns: Mapping[str, Role] = field(default_factory=dict)
    """Column -> role, for those the user changed."""
    machine: str | None = None
    """The machine of a file without a column for it."""
    time_zone: str | None = None
    """IANA name; None = the plant's."""
    day_first: bool | None = None
    """01/02/2015: True = the 1st of February, False = the 2nd of January."""
    units: Literal["convert"] | None = None
    """What becomes of values in another unit than their sensor's, where that is certain."""
    component: str | None = None
    """The component, or the error code, of events in a file without a column for it."""
    alike: Literal["same", "new"] | None = None
    """What becomes of names that are new and look like one of the plant's: 001 beside 1."""
    machine_side: Side | None = None
    """Where in its tags the machine stands, first or last."""
    usual: Choices | None = None
    """What a profile says: what the file itself proves is not overruled by it."""

    def by_profile(self, column: str) -> bool:
        """Whether the role of a column is the profile's, not the user's."""
        said = self.columns.get(column)
        return said is not None and self.usual is not None and self.usual.columns.get(column) is said


NO_CHOICES = Choices()


@dataclass(frozen=True)
class Question:
    """What the file does not tell and nobody may guess. key: the field of Choices that answers it (kind, day_first,
    machine, component, units, alike, machine_side, or columns); options: (value of that field, words), empty where any
    text answers; suggested: the likely value, to be preselected, None when there is none."""

    key: str
    text: str
    hint: str
    """How to answer on the command line."""
    options: tuple[tuple[object, str], ...] = ()
    suggested: object = None
    where: str = ""


class OpenQuestion(PdmError):
    """A question that only the whole file raised. path, sheet: of which table."""

    def __init__(self, question: Question, path: Path, sheet: str | None) -> None:
        super().__init__(question.text, question.hint, question.where)
        self.question = question
        self.path = path
        self.sheet = sheet


@dataclass(frozen=True)
class PlanColumn:
    """One column: its header text and its role. A sensor's name and unit stand in the role; role "doubtful": a sensor
    if a number turns up further down, else ignored (shown and answered as sensor or ignore)."""

    name: str
    role: Role
    unit: str = ""
    """As the units row says."""
    inside: bool = False
    """Whether its cells have units behind their numbers."""


@dataclass(frozen=True)
class Plan:
    """How a file is going to be read: choices where there were any, else what was recognised."""

    path: Path
    kind: Kind
    layout: LayoutName
    encoding: str
    delimiter: str
    decimal: str
    header_row: int
    units_row: int | None
    first_row: int
    """The line of the first row of data."""
    columns: tuple[PlanColumn, ...]
    time_zone: str
    questions: tuple[Question, ...] = ()
    """Must be answered, through Choices, before the file can be imported."""
    sheet: str | None = None
    sheets: tuple[str, ...] = ()
    machine: str | None = None
    component: str | None = None
    day_first: bool | None = None
    """None: the order of day and month does not matter here, or is asked for in `questions`."""
    thousands: str = ""
    marks_told: bool = True
    """Whether the samples show a decimal mark at all."""
    time_form: str = "text"
    """How times are written: text, epoch s, epoch ms, epoch us, epoch ns, filetime, ticks, excel, excel 1904."""
    clock_form: str = "text"
    """How the times of day beside dates are written: text, fraction (of a day), hours, hhmm, hhmmss."""
    profile: str | None = None
    """The profile that was applied."""
    tag_rule: TagRule | None = None
    known_tags: KnownTags = field(default_factory=KnownTags)
    choices: Choices = NO_CHOICES
    """What the user, or the profile, said."""
    notes: tuple[str, ...] = ()
    """Plain sentences about what was recognised."""
    mended: bool = False
    """Whether this is a rejects file that comes back."""
    opc: bool = False
    """Whether the qualities are OPC's numbers, of which 0 is bad."""
    line_bytes: float = 80.0
    """Mean length of a line, to estimate how many there are."""

    def index(self, *roles: str) -> int | None:
        """The first column of one of the roles, in their order."""
        for role in roles:
            for position, column in enumerate(self.columns):
                if column.role.role == role:
                    return position
        return None

    @property
    def header(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)


@dataclass(frozen=True)
class PreviewCell:
    """One cell as the file writes it, and what would become of it. reason: why it was rejected."""

    text: str
    state: CellState
    reason: str = ""


@dataclass(frozen=True)
class PreviewRow:
    """One row: its line, its cells (as many as the file has), and why the whole row was rejected ("" = it was not)."""

    line: int
    cells: tuple[PreviewCell, ...]
    reason: str = ""


@dataclass(frozen=True)
class Preview:
    """A file's first rows under a plan."""

    plan: Plan
    header: tuple[str, ...]
    rows: tuple[PreviewRow, ...]
    counts: Mapping[str, int]
    """Of the rows shown: rows, rejected, rejected_values, missing, machines, sensors."""
    machines: tuple[str, ...] = ()
    """In the rows shown."""
    first_time: int | None = None
    """Earliest time in the rows shown, ms UTC; shown so that a wrong order of day and month strikes the eye."""
    last_time: int | None = None


@dataclass(frozen=True)
class Profile:
    """A mapping kept under a name; applied by itself to files with the same header."""

    name: str
    header: tuple[str, ...]
    choices: Choices


def kind_of(text: str) -> Kind:
    """The kind of that name; PdmError when there is none."""
    for kind in KINDS:
        if kind == text:
            return kind
    raise PdmError(f"There is no kind {text!r}.", f"Kinds are: {', '.join(KINDS)}.", "kind")
