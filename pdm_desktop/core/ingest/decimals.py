"""Decimal and thousands marks, told column by column."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pdm_desktop.core.ingest import aliases, dialect
from pdm_desktop.core.ingest.facts import Facts
from pdm_desktop.core.ingest.tokens import grouping
from pdm_desktop.core.ingest.units import split_measured
from pdm_desktop.core.plans import Choices, Question

_MARKED, _FEWEST = 200_000, 100  # cells that tell the decimal mark, and how many a column has at least
_WORDS = frozenset(
    ("machine", "error", "component", "failure", "machine_model", "tag", "quality", "unit", "known", "ignore")
)
"""Roles of columns whose numbers, if they have any, are names: 1.2 is the second part of the first."""
_MARKS = " '\u00a0\u202f"
_LIKE_NUMBERS = re.compile(r"[-+\d.,eE\s'\u00a0\u202f\u2212]+")
_OPEN_COMMA = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
_HUNDREDS = re.compile(r"[+-]?[1-9]\d\d")
_UNGROUPED = re.compile(r"[+-]?[1-9]\d{3,6}")
_OPEN_POINT = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}")


@dataclass(frozen=True)
class Marks:
    """decimal: None where cells such as 1,234 (`doubtful`) could be thousands or decimals and nothing tells which.
    against: a cell of a column whose decimal mark is the other one; "" where all agree."""

    decimal: str | None
    thousands: str = ""
    doubtful: tuple[str, ...] = ()
    against: str = ""
    told: bool = True
    """Whether any number shows its decimal mark."""


@dataclass
class Count:
    """What the numbers of some cells show."""

    point: int = 0
    comma: int = 0
    open_point: list[str] = field(default_factory=list)
    ungrouped: int = 0
    """Whole numbers of four digits and more without a mark: thousands have none in this file."""
    open_comma: list[str] = field(default_factory=list)
    grouped: list[str] = field(default_factory=list)
    """1.234 in a column with whole numbers of three digits: thousands, most likely."""
    thousands: Counter[str] = field(default_factory=Counter)
    example: dict[str, str] = field(default_factory=dict)

    def add(self, other: Count) -> None:
        """Count what the other did."""
        self.point += other.point
        self.comma += other.comma
        self.open_point += other.open_point
        self.ungrouped += other.ungrouped
        self.open_comma += other.open_comma
        self.grouped += other.grouped
        self.thousands += other.thousands

    def take(self, cells: Iterable[str]) -> None:
        """Count what more cells of a column show."""
        self.add(_count(list(cells)))

    def show(self, mark: str, text: str) -> None:
        """Count a number that has that decimal mark."""
        self.example.setdefault(mark, text)
        if mark == ",":
            self.comma += 1
        else:
            self.point += 1

    @property
    def vote(self) -> str:
        """The decimal mark; "" where nothing tells."""
        commas, points = self.comma + self.thousands["."], self.point + self.thousands[","]
        return "" if commas == points == 0 else "," if commas > points else "."

    def marks(self, *, commas_part: bool) -> Marks:
        """commas_part: whether cells are parted by commas, so that one is no decimal mark."""
        mark = self.thousands.most_common(1)[0][0] if self.thousands else ""
        if self.comma > self.point or mark == ".":
            return Marks(",", (mark if mark != "," else "") or ("." if self.open_point else ""))
        if self.point or mark == ",":
            return Marks(".", mark or ("," if self.open_comma else ""))
        if self.open_comma:
            return Marks(".", ",") if self.open_point else Marks(None, mark, tuple(self.open_comma))
        if self.grouped:
            return Marks(None, mark, tuple(self.grouped))
        if self.open_point and not self.thousands and not self.ungrouped and not commas_part:
            return Marks(None, mark, tuple(self.open_point))
        return Marks(".", mark)


def is_open(text: str) -> bool:
    """Whether a number such as 1,234 may have a decimal or a thousands mark."""
    return (_OPEN_COMMA.fullmatch(text.strip()) or _OPEN_POINT.fullmatch(text.strip())) is not None


def marks(columns: Sequence[Sequence[str]], weak: Iterable[int], delimiter: str) -> Marks:
    """The marks of a file's numbers. weak: columns that tell only where no other does: days and seconds, which are read
    with either mark, and numbers that may be names. delimiter: where it is no comma, the comma may be the decimal mark,
    and 1.234 have a thousands mark."""
    counts = [_count(cells) for cells in columns]
    either = set(weak)
    votes = {i: count.vote for i, count in enumerate(counts) if count.vote and i not in either}
    if not votes:
        votes = {i: counts[i].vote for i in either if counts[i].vote}
        # A clock's 1449792000.0 does not make thousands of the readings' 28,575.
        others = [count for i, count in enumerate(counts) if i not in either]
        commas = [text for count in others for text in count.open_comma]
        if commas and "." in votes.values() and not any(count.open_point for count in others):
            return Marks(None, "", tuple(commas))
    decimal = max(votes.values(), key=list(votes.values()).count, default="")
    whole = Count()
    for i, count in enumerate(counts):
        if not decimal or (votes.get(i, decimal) == decimal and (i not in either or i in votes)):
            whole.add(count)
    found = whole.marks(commas_part=delimiter == ",")
    against = [counts[i].example.get(vote, "") for i, vote in votes.items() if vote != decimal]
    told = bool(votes) or bool(whole.ungrouped and delimiter == ",")
    return Marks(found.decimal, found.thousands, found.doubtful, next(filter(None, against), ""), told)


def doubted(marks: Marks, file: str) -> Question:
    """What is asked where the decimal mark is not told, or told both ways."""
    hint = "Say --decimal , or --decimal ."
    if marks.decimal is None:
        if "." in marks.doubtful[0]:
            text = f"Whether {marks.doubtful[0]} has a decimal point or a thousands mark cannot be told from the file."
            return Question("decimal", text, hint, ((".", "decimal point"), (",", "thousands mark")), None, file)
        text = f"Whether {marks.doubtful[0]} has a decimal comma or a thousands mark cannot be told from the file."
        return Question("decimal", text, hint, ((",", "decimal comma"), (".", "thousands mark")), None, file)
    names = {",": "decimal comma", ".": "decimal point"}
    text = f"Most columns have a {names[marks.decimal]}, but {marks.against} says otherwise."
    hint += " Columns with the other mark then have no numbers: leave them out with --map COLUMN=ignore."
    return Question("decimal", text, hint, tuple(names.items()), marks.decimal, file)


def _count(cells: Sequence[str]) -> Count:
    count = Count()
    hundreds = False
    for cell in cells:
        text = cell.strip()
        if not any(char.isdigit() for char in text) or not _LIKE_NUMBERS.fullmatch(text):
            continue
        commas, points = text.count(","), text.count(".")
        if commas and points:
            if text.rfind(",") > text.rfind(".") and grouping(",").fullmatch(text):
                count.show(",", text)
                count.thousands["."] += 1
            elif grouping(".").fullmatch(text):
                count.show(".", text)
                count.thousands[","] += 1
        elif commas == 1:
            if _OPEN_COMMA.fullmatch(text):
                count.open_comma.append(text)
            else:
                count.show(",", text)
        elif points == 1:
            if _OPEN_POINT.fullmatch(text):
                count.open_point.append(text)
            else:
                count.show(".", text)
        elif not commas and not points and _HUNDREDS.fullmatch(text):
            hundreds = True
        elif not commas and not points and _UNGROUPED.fullmatch(text):
            count.ungrouped += 1
        elif commas > 1 and grouping(".").fullmatch(text):
            count.thousands[","] += 1
        elif points > 1 and grouping(",").fullmatch(text):
            count.thousands["."] += 1
        for mark in _MARKS:
            if mark in text and (grouping(".").fullmatch(text) or grouping(",").fullmatch(text)):
                count.thousands[mark] += 1
    if hundreds and not count.point:
        count.grouped = list(count.open_point)
    return count


def of_columns(names: Sequence[str], by_column: Sequence[Sequence[str]], choices: Choices, delimiter: str) -> Marks:
    """The marks of a table's numbers; by_column: cells that were sampled."""
    countable: list[list[str]] = []
    most = max(_FEWEST, _MARKED // max(1, len(names)))
    weak = []
    for i, (name, cells) in enumerate(zip(names, by_column, strict=True)):
        said = choices.columns.get(name)
        idle = said is not None and said.role in _WORDS
        some = [] if idle else [cell for cell in _some(cells, most) if not dialect.is_time(cell)]
        countable.append([_bare_number(cell) for cell in some])
        if (said is None and aliases.roles(name) & _WORDS) or Facts.of("", countable[i][:60], ".", "").number_form():
            weak.append(i)
    return marks(countable, weak, delimiter)


def _some(cells: Sequence[str], most: int) -> list[str]:
    """The different ones of all a column's cells that were sampled, or so many of them."""
    different = list(dict.fromkeys(cells))
    return different[:: max(1, -(-len(different) // most))]


def _bare_number(cell: str) -> str:
    """The cell without a unit behind its number."""
    split = None if cell[-1:].isdigit() else split_measured(cell)
    return cell if split is None else split[0]
