"""What stands in the cells of a column, counted."""

from __future__ import annotations

from dataclasses import dataclass, field

from pdm_desktop.core.ingest import aliases, numbered
from pdm_desktop.core.ingest.dialect import is_time, is_time_of_day
from pdm_desktop.core.ingest.tokens import is_missing, number_of
from pdm_desktop.core.ingest.units import split_measured

_NAMES = frozenset(("machine", "tag", "error", "component", "failure", "machine_model", "quality", "unit"))
"""Roles of columns in which "2 A" is a name."""


@dataclass
class Facts:
    """What stands in the cells of a column that were looked at."""

    name: str
    cells: list[str]
    roles: set[str] = field(default_factory=set)
    canonical: str = ""
    filled: int = 0
    numbers: int = 0
    fractions: int = 0
    measured: int = 0
    """Cells with a unit behind a number; where most are so, they count as numbers too."""
    times: int = 0
    clocks: int = 0
    stamps: list[float] = field(default_factory=list)
    """The numbers its cells would be as times: with either decimal mark, whichever the readings beside them have."""

    @staticmethod
    def of(name: str, cells: list[str], decimal: str, thousands: str) -> Facts:
        """Count what the cells are."""
        facts = Facts(name, cells, aliases.roles(name) if name else set(), aliases.canonical(name))
        behind = fractions = 0
        for cell in cells:
            if is_missing(cell):
                continue
            facts.filled += 1
            number = number_of(cell, decimal, thousands)
            if number is not None:
                facts.numbers += 1
                facts.fractions += not number.is_integer()
            stamp = number_of(cell) if "," not in cell else number_of(cell, ",")
            if stamp is not None:
                facts.stamps.append(stamp)
            if is_time(cell):
                facts.times += 1
            elif is_time_of_day(cell):
                facts.clocks += 1
            elif number is None and (split := split_measured(cell)) is not None:
                number = number_of(split[0], decimal, thousands)
                behind += number is not None
                fractions += number is not None and not number.is_integer()
        if behind and not facts.roles & _NAMES:
            facts.measured = behind
            if facts.mostly(behind + facts.numbers):
                facts.numbers += behind
                facts.fractions += fractions
        return facts

    def mostly(self, count: int, share: float = 0.5) -> bool:
        """Whether `count` of the filled cells are at least that share."""
        return self.filled > 0 and count >= share * self.filled

    @property
    def dates_only(self) -> bool:
        """Whether its times are dates without a time of day."""
        return self.mostly(self.times) and not any(":" in cell for cell in self.cells if is_time(cell))

    @property
    def day_numbers(self) -> bool:
        """Whether its cells are whole numbers of a spreadsheet's days."""
        return self.number_form() == "excel" and all(stamp.is_integer() for stamp in self.stamps)

    @property
    def is_text(self) -> bool:
        """Whether its cells are mostly words."""
        return self.filled > 0 and not self.mostly(self.numbers + self.times + self.clocks)

    def number_form(self) -> str:
        """The form of times kept as numbers; "" where they are none."""
        if not self.mostly(len(self.stamps), 0.9) or self.mostly(self.times):
            return ""
        return numbered.form_of(self.stamps)
