"""What a file is and how it is to be read, told from its head, middle and tail."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path
from types import MappingProxyType

import numpy as np

from pdm_desktop.core import times as clock
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.ingest import (
    abbreviations,
    beside,
    chosen,
    columns,
    decimals,
    dialect,
    encoding,
    instants,
    sheets,
    source,
    workbook,
    zones,
)
from pdm_desktop.core.ingest.archive import reading
from pdm_desktop.core.ingest.decimals import Marks
from pdm_desktop.core.ingest.dialect import Table
from pdm_desktop.core.ingest.draft import Draft
from pdm_desktop.core.ingest.facts import Facts
from pdm_desktop.core.ingest.rejects import REJECTS_HEADER
from pdm_desktop.core.ingest.tokens import is_opc, normal
from pdm_desktop.core.plans import NO_CHOICES, Choices, Plan, Profile, Question
from pdm_desktop.core.schema import KINDS
from pdm_desktop.core.tag_rules import KnownTags

_OTHER_CELLS = 300
_TWO_DIGITS = re.compile(r"\s*\d{2}[-/. ]\d{2}[-/. ]\d{2}(?!\d)")
_MOST_COLUMNS = 10_000
NO_TAGS = KnownTags()
_TABLES = (".csv", ".txt", ".tsv", ".dat", ".asc", ".log", "")


_OWN_OUTPUT = (
    (frozenset(("as_of", "horizon_h", "risk", "band", "threshold")), "a risk report"),
    (frozenset(("machine", "time", "hours_since_reading")), "a feature matrix"),
)
"""Headers of files that a folder may hold beside the plant's: opinions must not come back as readings."""


def recognise(
    path: Path,
    choices: Choices = NO_CHOICES,
    *,
    time_zone: str = "UTC",
    profiles: Sequence[Profile] = (),
    profile: Profile | None = None,
    known_sensors: Mapping[str, str] = MappingProxyType({}),
    known_tags: KnownTags = NO_TAGS,
) -> Plan:
    """Tell how `path` is to be read; choices win over `profile` (or the one of `profiles` for its header),
    a profile over what is recognised.

    time_zone: the plant's; known_sensors: names in its catalogue, casefolded, and their units; known_tags: what it took
    tags for. What the file does not tell stands in the plan's questions (also, with key "columns", where no column at
    all is known; then the user gives each its role).
    PdmError (file, line) for anything that is no table.
    """
    clock.zone(choices.time_zone or time_zone)
    for what, name in (("machine", choices.machine), ("component", choices.component)):
        if name is not None and not normal(name):
            raise PdmError(f"A {what} without a name cannot be.", f"Say which {what} it is.", what)
    packed = source.container(path)
    names_of_sheets = _sheets(path, packed)
    sheet = _sheet(path, packed, names_of_sheets, choices)
    where = path.name
    book = workbook.book(path) if packed == "workbook" else None
    look = workbook.look(path, book, sheet) if book is not None and sheet is not None else None
    if packed in ("workbook", "parquet"):
        text = _of_cells(look.rows() if look is not None else workbook.head(path))
        code, others, whole, delimiter = "utf-8", [], False, ","
    else:
        sample = source.sample(path, packed, sheet)
        if not sample.head.strip(b"\0\r\n\t \xef\xbb\xbf\xff\xfe"):
            raise PdmError("The file is empty.", "Export it again.", where)
        code = encoding.known(choices.encoding) if choices.encoding else encoding.detect(sample, where)
        text = _text(sample.head, code)
        others = [_text(part, code) for part in sample.others]
        whole = sample.whole
        if not whole:
            text = text[: text.rfind("\n") + 1] or text
        delimiter = choices.delimiter or dialect.best_delimiter(text)
    if not text.strip():
        raise PdmError("The file is empty.", "Export it again.", where)
    if "\0" in text:
        raise PdmError("The file is not a table of text.", "Save it as CSV in UTF-8.", where)
    if len(delimiter) != 1 or not delimiter.isascii():
        raise PdmError(f"{delimiter!r} is no delimiter.", "Use one plain character.", "delimiter")
    table = dialect.table(text, delimiter, choices.header_row, choices.units_row)
    dialect.refuse_misfit(table, where)
    if len(table.header) > _MOST_COLUMNS:
        raise PdmError("The file has more columns than a plant has sensors.", "Leave columns out.", where)
    names = dialect.names(table)
    for columns_of_ours, what in _OWN_OUTPUT:
        if columns_of_ours <= set(names):
            raise PdmError(f"This is {what} that this program wrote, not a plant's record.", "", where)
    mended = tuple(names[: len(REJECTS_HEADER)]) == REJECTS_HEADER and len(names) > len(REJECTS_HEADER)
    profile = profile or _profile(profiles, names[len(REJECTS_HEADER) :] if mended else names)
    if profile is not None:
        choices = _over(choices, profile.choices)
    if mended:
        choices = _over(choices, chosen.again({row[0].strip() for row in table.data}, choices, where))
    elsewhere = _others(others, delimiter, len(names))
    marks = None
    if look is not None:
        # Cells of numbers have no mark of their own: they are written with that of the texts among them.
        marks = decimals.of_columns(names, [look.texts.get(i, []) for i in range(len(names))], choices, ";")
        decimal = choices.decimal or marks.decimal or "."
        if decimal == ",":
            table = dialect.table(_of_cells(look.rows(decimal)), ",", table.header_row, table.units_row or 0)
        elsewhere = look.others_of(len(names), decimal)
    rows = dialect.sampled(table.data) + elsewhere
    plan = _planned(path, table, names, rows, choices, time_zone, known_sensors, known_tags, mended, marks)
    lines = text.count("\n") + 1
    plan = replace(
        plan,
        encoding=code,
        sheet=sheet,
        sheets=names_of_sheets,
        profile=None if profile is None else profile.name,
        choices=choices,
        line_bytes=max(1.0, len(text.encode("utf-8", "replace")) / lines),
    )
    lined = [(line, row) for line, row in table.rows if line >= table.first_row and len(row) == len(names)]
    plan = beside.asked(plan, dialect.sampled(lined), known_sensors)
    plan = zones.as_the_rejects_say(zones.as_the_header_says(plan), (row[0] for row in rows))
    position = plan.index("timestamp", "date")
    if position is not None and plan.time_form == "text":
        plan = day_order(plan, [row[position] for row in table.data + elsewhere], rows)
        plan = abbreviations.asked(plan, (row[position] for row in rows))
    if book is not None and look is not None:
        plan = sheets.as_the_cells_say(plan, book, look)
        plan = sheets.of_which_machine(plan, sheets.alike(book))
    if not table.data and not _rows_below(table) and (whole or packed):
        raise PdmError("The file has a header and no rows.", "Export it again with its rows.", where)
    return plan


def discover(paths: Sequence[Path]) -> list[tuple[Path, str | None]]:
    """Files to look at, with the member of an archive that holds several, or the sheet of a workbook that has several
    with the same header. A folder stands for the files in it."""
    found: list[tuple[Path, str | None]] = []
    for path in paths:
        with reading(path):
            inside = _by_age(path) if path.is_dir() else [path]
        for file in inside:
            try:
                packed = source.container(file)
                members = sheets.tables(file) if packed == "workbook" else _sheets(file, packed)
            except PdmError:
                if not path.is_dir():
                    raise
                continue
            found += [(file, member) for member in members] if len(members) > 1 else [(file, None)]
    return found


def _by_age(folder: Path) -> list[Path]:
    """The files of a folder, those changed last at the end: where two disagree, the newer one is to hold."""
    files = [file for file in folder.iterdir() if file.is_file()]
    return sorted(files, key=lambda file: (file.stat().st_mtime_ns, file))


def in_order(plans: Sequence[Plan]) -> list[Plan]:
    """Machines first, then telemetry, errors, maintenance, failures."""
    return sorted(plans, key=lambda plan: KINDS.index(plan.kind))


def day_order(plan: Plan, cells: Sequence[str], rows: Sequence[Sequence[str]] = ()) -> Plan:
    """The plan with the order of day and month as cells of its time column prove it, else with the question."""
    if plan.choices.day_first is not None:
        return replace(plan, day_first=plan.choices.day_first)
    texts = np.array([cell.strip().encode()[:64] for cell in cells] or [b""])
    either, day, month = instants.orders(texts)
    where = f"{plan.path.name}, column {plan.columns[plan.index('timestamp', 'date') or 0].name}"
    if day and month:
        raise PdmError(
            "Some dates of the file have the day first, others the month.", "Export it with one form of date.", where
        )
    if day or month:
        return replace(plan, day_first=day)
    usual = plan.choices.usual
    if either and usual is not None and usual.day_first is not None:
        return replace(plan, day_first=usual.day_first)
    if not either:
        return replace(plan, day_first=None)
    suggested = _steadier(plan, rows)
    example = next((cell for cell in cells if instants.orders(np.array([cell.strip().encode()]))[0]), cells[0])
    text = f"Whether the day or the month stands first in {example} cannot be told from the file."
    hint = "Say --day-first or --month-first."
    if _TWO_DIGITS.match(example):
        text = f"Whether the day, the month or the year stands first in {example} cannot be told from the file."
        hint += " Where it is the year, export it with four digits of the year."
    return replace(
        plan,
        day_first=None,
        questions=(
            *plan.questions,
            Question(
                "day_first",
                text,
                hint,
                ((True, "day first"), (False, "month first")),
                suggested,
                where,
            ),
        ),
    )


def _steadier(plan: Plan, rows: Sequence[Sequence[str]]) -> bool | None:
    """Under which order the times are spaced more regularly."""
    clocks = [i for i in (plan.index("timestamp", "date"), plan.index("time")) if i is not None]
    machine = plan.index("machine")
    steps = {}
    for day_first in (True, False):
        texts = np.array([" ".join(row[i].strip() for i in clocks).encode() for row in rows] or [b""])
        ms = instants.parse(texts, "text", day_first).ms
        keys = [row[machine] if machine is not None else "" for row in rows]
        same = np.array([a == b for a, b in pairwise(keys)], np.bool_)
        between = np.diff(ms)[same] if len(ms) == len(rows) else np.empty(0)
        between = between[between != 0]
        steps[day_first] = 0.0 if not len(between) else float((between == np.median(between)).mean())
    return None if steps[True] == steps[False] else steps[True] > steps[False]


def _planned(
    path: Path,
    table: Table,
    names: list[str],
    rows: list[list[str]],
    choices: Choices,
    time_zone: str,
    known_sensors: Mapping[str, str],
    known_tags: KnownTags,
    mended: bool,
    marks: Marks | None,
) -> Plan:
    by_column = [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in names]
    if mended:
        by_column = [[cell.removeprefix("'") for cell in column] for column in by_column]
    marks = marks or decimals.of_columns(names, by_column, choices, table.delimiter)
    said = choices.decimal
    usual = None if choices.usual is None else choices.usual.decimal
    if (
        said is None
        and marks.decimal is None
        and usual is not None
        and (not marks.doubtful or usual in marks.doubtful[0])
    ):
        said = usual  # of a file in which it never stands it proves nothing
    decimal, thousands = said or marks.decimal or ".", marks.thousands
    if decimal not in (".", ","):
        raise PdmError(f"{decimal!r} is no decimal mark.", "Use a point or a comma.", "decimal")
    if thousands == decimal:
        thousands = ""
    if said and marks.doubtful:
        thousands = ("" if decimal == "," else ",") if "," in marks.doubtful[0] else "." if decimal == "," else ""
    facts = [
        Facts.of("" if mended and i < len(REJECTS_HEADER) else name, cells, decimal, thousands)
        for i, (name, cells) in enumerate(zip(names, by_column, strict=True))
    ]
    unknown = not any(fact.roles or fact.times for fact in facts) and not choices.columns
    if unknown and not (len(facts) > 1 and any(fact.numbers for fact in facts)):
        raise PdmError(
            "The first line names no column of a plant's files.",
            "It should name the columns, such as datetime and machineID.",
            f"{path.name}, line 1",
        )
    roles = columns.assign(Draft(facts, table.units, choices, path, table.header_row, known_sensors, known_tags))
    questions = list(roles.questions)
    if unknown:
        others = [question for question in questions if question.key != "columns"]
        questions = [_unknown_columns(names, table.header_row, path.name), *others]
    if said is None and (marks.decimal is None or marks.against):
        questions.append(decimals.doubted(marks, path.name))
    named = [replace(column, name=name) for column, name in zip(roles.columns, names, strict=True)]
    return Plan(
        path=path,
        kind=roles.kind,
        layout=roles.layout,
        encoding="utf-8",
        delimiter=table.delimiter,
        decimal=decimal,
        header_row=table.header_row,
        units_row=table.units_row,
        first_row=table.first_row,
        columns=tuple(named),
        time_zone=choices.time_zone or time_zone,
        questions=tuple(questions),
        machine=choices.machine,
        component=choices.component,
        thousands=thousands,
        marks_told=marks.told or said is not None,
        time_form=roles.time_form,
        clock_form=roles.clock_form,
        tag_rule=roles.tag_rule,
        known_tags=known_tags,
        notes=roles.notes,
        mended=mended,
        opc=any(is_opc(c) for i, column in enumerate(named) if column.role.role == "quality" for c in by_column[i]),
    )


def _unknown_columns(names: Sequence[str], line: int, file: str) -> Question:
    """A table, but nothing in it is known: neither a name nor anything that looks like a time."""
    first = next((name for name in names if name), "NAME")
    return Question(
        "columns",
        "No column of the file has a name that is known, and none looks like a time.",
        f"Say what the columns hold: --map {first!r}=timestamp, and so on for the machine and the sensors.",
        where=f"{file}, line {line or 1}",
    )


def _rows_below(table: Table) -> bool:
    return any(line >= table.first_row for line, _ in table.rows)


def _others(parts: Sequence[str], delimiter: str, width: int) -> list[list[str]]:
    """Rows of the right width from pieces that may begin and end anywhere."""
    rows: list[list[str]] = []
    for part in parts:
        lines = part.split("\n")[1:-1]
        try:
            read = list(csv.reader(io.StringIO("\n".join(lines[:_OTHER_CELLS])), delimiter=delimiter))
        except csv.Error:
            continue  # begun inside quotes, perhaps: the head and the import itself are what counts
        rows += [row for row in read if len(row) == width]
    return rows


def _of_cells(rows: Sequence[Sequence[str]]) -> str:
    return b"".join(islice(workbook.as_text(iter(map(list, rows)), source.HEAD), 2)).decode("utf-8")


def _text(data: bytes, code: str) -> str:
    for bom, name in source.BOMS.items():
        if data.startswith(bom) and name == code:
            data = data[len(bom) :]
    if code.startswith("utf-16"):
        data = data[: len(data) & ~1]
    text = data.decode(code, "replace")
    return text if "\n" in text else text.replace("\r", "\n")


def _sheets(path: Path, packed: str) -> tuple[str, ...]:
    if packed == "workbook":
        return workbook.book(path).sheets
    if packed == "zip":
        names = source.members(path)
        tables = tuple(n for n in names if Path(n).suffix.lower() in _TABLES)
        if not tables:
            raise PdmError("The archive holds no table.", "Put CSV files into it.", path.name)
        return tables
    return ()


def _sheet(path: Path, packed: str, among: tuple[str, ...], choices: Choices) -> str | None:
    """The sheet or member to read: as chosen, else the one that looks most like a table."""
    if choices.sheet is not None:
        if choices.sheet not in among:
            raise PdmError(f"There is no sheet {choices.sheet!r}.", f"There are: {', '.join(among)}.", path.name)
        return choices.sheet
    if packed != "workbook" or len(among) < 2:
        return among[0] if among else None
    return sheets.best(workbook.book(path))


def _profile(profiles: Sequence[Profile], names: Sequence[str]) -> Profile | None:
    header = tuple(names)
    return next((profile for profile in profiles if profile.header == header), None)


def _over(choices: Choices, under: Choices) -> Choices:
    """Choices, filled up from those of a profile. Its decimal mark and order of the date are no choices: a file of the
    same shape may prove others."""
    mine = {key: value for key, value in vars(choices).items() if value is not None and key != "columns"}
    filled = replace(under, decimal=None, day_first=None, usual=under)
    return replace(filled, **mine, columns={**under.columns, **choices.columns})
