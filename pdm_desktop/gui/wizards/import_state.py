"""What the import wizard knows of its files, and the words it says it with. No widgets here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from pdm_desktop.core import times
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.plans import NO_CHOICES, ROLES, Choices, OpenQuestion, Plan, PlanColumn, Preview, Role
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.watch import SUFFIXES
from pdm_desktop.tasks import Lane, Task

ROWS = 200
"""Rows of a file that are shown before it is imported."""
STRUCTURE = ("encoding", "delimiter", "header_row", "sheet", "layout", "kind")
"""Fields of Choices after whose change the columns are others: what was said of them no longer holds."""

KIND_WORDS = {
    "telemetry": "Telemetry",
    "errors": "Errors",
    "maintenance": "Maintenance",
    "failures": "Failures",
    "machines": "Machines",
}
LAYOUT_WORDS = {
    "wide": "A column a sensor",
    "long": "A row a value",
    "wide tags": "A column a tag",
}
DELIMITER_WORDS = {",": "Comma  ,", ";": "Semicolon  ;", "\t": "Tab", "|": "Bar  |", " ": "Space"}
DECIMAL_WORDS = {".": "Point  1.5", ",": "Comma  1,5"}
DAY_WORDS = {None: "As the data tells", True: "Day first  31/12", False: "Month first  12/31"}
ENCODING_WORDS = {
    "utf-8": "UTF-8",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16, big-endian",
    "cp1252": "Windows, Western",
    "cp1250": "Windows, Central European",
    "cp1251": "Windows, Cyrillic",
    "cp1253": "Windows, Greek",
    "cp1254": "Windows, Turkish",
    "latin-1": "ISO Latin 1",
    "iso8859-2": "ISO Latin 2",
    "iso8859-15": "ISO Latin 9",
    "cp850": "DOS, Western",
    "mac-roman": "Macintosh",
}


class Ask(Protocol):
    """Runs work on the open workspace in a lane; the answer comes back in the window's thread."""

    def __call__(
        self,
        lane: Lane,
        title: str,
        work: Callable[[Any, Progress], Any],
        done: Callable[[Any], None],
        failed: Callable[[Exception], None] | None = None,
        replace: str | None = None,
    ) -> Task | None:
        """None where no workspace is open."""


@dataclass(eq=False)
class Source:
    """One file of the wizard: what was chosen for it and how it looks so. shown: the choices that `preview` or `error`
    belong to; None before the first look."""

    path: Path
    choices: Choices = NO_CHOICES
    shown: Choices | None = None
    preview: Preview | None = None
    error: PdmError | None = None
    member: str | None = None
    """Which one of the tables of an archive; None where the file is one table."""

    @staticmethod
    def of(path: Path, member: str | None) -> Source:
        """A file, or one table of an archive, of which nothing is known yet."""
        return Source(path, Choices(sheet=member), member=member)

    @property
    def key(self) -> tuple[Path, str | None]:
        """What tells it from others."""
        return self.path, self.member

    @property
    def name(self) -> str:
        """What it is called on the screen."""
        return self.path.name if self.member is None else f"{self.path.name} \N{RIGHTWARDS ARROW} {self.member}"

    @property
    def changed(self) -> bool:
        """Whether the user said anything of it."""
        return self.choices != Choices(sheet=self.member)

    def reset(self) -> None:
        """Back to what is recognised."""
        self.choices = Choices(sheet=self.member)

    @property
    def fresh(self) -> bool:
        """Whether what is shown holds for what was chosen."""
        return self.shown is not None and self.shown == self.choices

    @property
    def plan(self) -> Plan | None:
        """How the file is going to be read; None while nothing can be said."""
        return self.preview.plan if self.preview is not None else None

    def alike(self, other: Source) -> bool:
        """Whether the other file has the same columns and was given the same answers so far."""
        if other is self or self.plan is None or other.plan is None:
            return False
        return (self.plan.header, self.plan.layout, self._said()) == (
            other.plan.header,
            other.plan.layout,
            other._said(),
        )

    def _said(self) -> Choices:
        """The choices but for what must differ from file to file."""
        named = self.choices.machine == self.file_name
        return replace(
            self.choices,
            sheet=None if self.member else self.choices.sheet,
            machine="its file name" if named else self.choices.machine,
        )

    @property
    def file_name(self) -> str:
        """The name without its endings: a machine may be called so."""
        return PurePosixPath(self.member or self.path.name).name.split(".")[0]

    @property
    def ready(self) -> bool:
        """Whether nothing stands in the way of importing it."""
        return (
            self.fresh
            and self.error is None
            and self.plan is not None
            and not self.plan.questions
            and not unsaid(self.plan)
        )

    def choose(self, field: str, value: Any) -> None:
        """Set one field of the choices."""
        changed = replace(self.choices, **{field: value})
        if field in STRUCTURE:
            changed = replace(changed, columns={})
        self.choices = changed

    def choose_role(self, names: Sequence[str], role: Role) -> None:
        """Give columns a role."""
        columns = dict(self.choices.columns)
        if role.role in ("machine", "timestamp", "date", "time", "tag", "value", "quality") and self.plan is not None:
            # There is one of these: the column that was it is nothing now.
            columns |= {c.name: Role("ignore") for c in self.plan.columns if c.role.role == role.role}
        columns |= dict.fromkeys(names, role)
        machine = None if role.role == "machine" else self.choices.machine
        kind = self.choices.kind
        if role.role == "failure" and self.plan is not None and self.plan.kind == "telemetry":
            # A status among readings: they stay readings, and not every row is a failure of what the status says.
            kind = "telemetry" if any(c.role.role == "sensor" for c in self.plan.columns) else kind
        self.choices = replace(self.choices, columns=columns, machine=machine, kind=kind)

    def choose_machine(self, machine: str | None) -> None:
        """All rows are of this machine; None: the file tells."""
        columns = dict(self.choices.columns)
        for column in self.plan.columns if self.plan is not None else ():
            if column.role.role == "machine" and machine is not None:
                columns[column.name] = Role("ignore")
        if machine is None:
            columns = {name: role for name, role in columns.items() if role.role != "ignore"}
        self.choices = replace(self.choices, columns=columns, machine=machine)


def look(workspace: Any, path: Path, choices: Choices) -> Preview | PdmError:
    """The file's first rows under the choices, or why there are none."""
    try:
        if choices.time_zone is not None:
            times.zone(choices.time_zone)  # times with an offset of their own would never ask for it
        preview: Preview = workspace.preview(path, choices, ROWS)
    except PdmError as exc:
        return exc
    return preview


def role_words(role: Role) -> str:
    """What a column is, in a few words."""
    if role.role == "doubtful":
        return "no number so far: not used"
    if role.role == "sensor":
        return "sensor" if not role.machine else f"sensor of {role.machine}"
    if role.role == "failure" and role.name:
        return f"failure at {role.name}"
    return SHORT_ROLES.get(role.role, role.role)


SHORT_ROLES = {
    "machine": "machine",
    "timestamp": "date and time",
    "date": "date",
    "time": "time of day",
    "sensor": "sensor",
    "error": "error code",
    "component": "component",
    "failure": "failure",
    "machine_model": "make",
    "age": "age",
    "known": "known since",
    "tag": "tag",
    "value": "value",
    "quality": "quality",
    "state": "came or went",
    "unit": "unit",
    "ignore": "not used",
}
assert SHORT_ROLES.keys() == ROLES.keys()


def unsaid(plan: Plan) -> str:
    """The column of readings that tells of failures without it being said which of its values does; empty: none."""
    columns = plan.columns if plan.kind == "telemetry" else ()
    return next((each.name for each in columns if each.role.role == "failure" and not each.role.name), "")


def sensor_name(column: PlanColumn) -> str:
    """What a sensor's column is called in the record; empty where it is none."""
    if column.role.role != "sensor":
        return ""
    return column.role.name or column.name


def sensor_unit(column: PlanColumn) -> str:
    """A sensor's unit; empty where it has none or is none."""
    return (column.role.unit or column.unit) if column.role.role == "sensor" else ""


def count_words(preview: Preview, zone: str) -> str:
    """The counts of the rows shown, in a sentence."""
    counts = preview.counts
    rows = counts.get("rows", len(preview.rows))
    parts = ["First row" if rows == 1 else f"First {rows:,} rows"]
    for key, words in (
        ("rejected", "rejected"),
        ("rejected_values", "single {} rejected"),
        ("missing", "{} missing"),
    ):
        if counts.get(key) and not preview.plan.questions:
            parts.append(f"{counts[key]:,} {words.format('value' if counts[key] == 1 else 'values')}")
    if preview.machines:
        parts.append(machine_words(preview.machines))
    if counts.get("sensors"):
        parts.append(plural(counts["sensors"], "sensor"))
    span = "" if preview.plan.questions else span_words(preview, zone)
    return " · ".join([*parts, span] if span else parts)


def span_words(preview: Preview, zone: str) -> str:
    """From when to when the rows shown are."""
    if preview.first_time is None or preview.last_time is None:
        return ""
    return f"{times.short(preview.first_time, zone)} – {times.short(preview.last_time, zone)} {zone}"


def machine_words(machines: Sequence[str]) -> str:
    """'machine 3', 'machines 3, 4', '12 machines'."""
    if len(machines) == 1:
        return f"machine {machines[0]}"
    return f"machines {', '.join(machines)}" if len(machines) <= 4 else f"{len(machines):,} machines"


def plural(count: int, word: str) -> str:
    return f"1 {word}" if count == 1 else f"{count:,} {word}s"


def state_words(source: Source) -> tuple[str, str]:
    """How a file stands, and the colour to say it in."""
    if source.error is not None:
        return source.error.message, "alarm"
    plan = source.plan
    if plan is None or not source.fresh:
        return "looking at it", "muted"
    if plan.questions:
        return plural(len(plan.questions), "question"), "watch"
    if unsaid(plan):
        return f"which value of {unsaid(plan)} means a failure?", "watch"
    return f"ready, by profile {plan.profile}" if plan.profile else "ready", "muted"


def ask_again(sources: Sequence[Source], error: PdmError) -> Source | None:
    """The file of which the whole raised a question that its first rows did not; it is asked there now."""
    if not isinstance(error, OpenQuestion):
        return None
    for source in sources:
        if source.path == error.path and source.member in (None, error.sheet) and source.preview is not None:
            plan = source.preview.plan
            asked = replace(plan, questions=(*plan.questions, error.question))
            source.preview = replace(source.preview, plan=asked)
            return source
    return None


def strange(source: Source) -> str:
    """Why a file of a folder is none of the plant's, as far as its first look tells; empty where it is one."""
    if source.error is not None:
        return source.error.message
    questions = source.plan.questions if source.plan is not None else ()
    return next((question.text for question in questions if question.key == "columns"), "")


def seen_as(source: Source, choices: Choices, found: Preview | PdmError) -> Source:
    """Note what a look at the file under these choices found."""
    source.shown = choices
    source.error = found if isinstance(found, PdmError) else None
    if not isinstance(found, PdmError):
        source.preview = found
    return source


def gather(workspace: Any, progress: Progress, paths: Sequence[Path]) -> tuple[list[Source], list[tuple[str, str]]]:
    """The files, and those of folders, as they look; and (name, why) of a folder's tables that are none of a plant."""
    found: list[Source] = []
    left_out: list[tuple[str, str]] = []
    for path in paths:
        try:
            tables = workspace.tables(path)
        except PdmError as exc:
            found.append(seen_as(Source(path), NO_CHOICES, exc))
            continue
        for file, member in tables:
            progress.step(len(found), 0, f"Looking at {file.name}")
            source = Source.of(file, member)
            seen = seen_as(source, source.choices, look(workspace, file, source.choices))
            # A folder may hold other files too; one that the user named is shown with what is wrong with it.
            why = strange(seen)
            if not path.is_dir() or not why:
                found.append(seen)
            elif file.suffix.lower() in SUFFIXES:
                left_out.append((seen.name, why))
    return found, left_out


def standing_words(source: Source, sources: Sequence[Source], *, columns: bool) -> str:
    """What stands in the way of going on from a file, or what comes next."""
    if not source.fresh:
        return "Looking at it \N{HORIZONTAL ELLIPSIS}"
    if source.plan is not None and source.plan.questions:
        return "A question is open."
    open_ones = [other.name for other in sources if other is not source and not other.ready]
    if open_ones and columns:
        return f"Next: {open_ones[0]}"
    return str(source.path) if len(sources) == 1 else ""
