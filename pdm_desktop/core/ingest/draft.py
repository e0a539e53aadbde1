"""The columns of a file while their roles are being found: what is known of them, and what must be asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.ingest import tags
from pdm_desktop.core.ingest.facts import Facts
from pdm_desktop.core.ingest.tokens import is_missing
from pdm_desktop.core.ingest.units import bare, is_unit, split_unit
from pdm_desktop.core.plans import Choices, Question, Role
from pdm_desktop.core.tag_rules import KnownTags, TagRule


class Draft:
    """A file's columns while their roles are being found. line: of the header, 0 where there is none; known_sensors:
    the plant's (casefolded) and their units."""

    def __init__(
        self,
        facts: list[Facts],
        units: list[str],
        choices: Choices,
        path: Path,
        line: int,
        known_sensors: Mapping[str, str],
        known_tags: KnownTags,
    ) -> None:
        self.facts = facts
        self.units = units
        self.choices = choices
        self.path = path
        self.where = f"{path.name}, line {line or 1}"
        self.headed = line > 0
        self.known = known_sensors
        self.known_tags = known_tags
        self.given: dict[int, Role] = _by_position(facts, choices.columns, self.where)
        self.roles: dict[int, Role] = dict(self.given)
        self.questions: list[Question] = []
        self.notes: list[str] = []
        self.tag_rule: TagRule | None = None
        self.alike = Counter(split_unit(f.name)[0].casefold() for f in facts)
        """How many columns have that name, unit aside."""

    def split_tags(self, names: list[str], *, headers: bool = False) -> None:
        """Settle which part of the tags is the machine, or ask."""
        said = self.choices.machine_side
        self.tag_rule, question = tags.settle(names, self.known_tags, said, self.where, headers=headers)
        self.questions += [question] if question is not None else []

    def of(self, *roles: str) -> list[int]:
        """The columns of these roles."""
        return [i for i in range(len(self.facts)) if i in self.roles and self.roles[i].role in roles]

    def free(self) -> list[int]:
        """The columns that have a name and no role yet."""
        return [i for i, f in enumerate(self.facts) if i not in self.roles and f.name]

    def called(self, role: str) -> list[int]:
        """The free columns whose name means that role."""
        return [i for i in self.free() if role in self.facts[i].roles]

    def tells_units(self, i: int) -> bool:
        """Whether a column's cells are units: known ones, or with a name that says so as many as not."""
        f = self.facts[i]
        said = {cell.strip() for cell in f.cells if not is_missing(cell) and bare(cell)}
        known = sum(map(is_unit, said))
        if not known:
            return False
        if "unit" in f.roles:
            return 2 * known >= len(said)
        return known == len(said) and not all(cell.isalpha() and len(cell) == 1 for cell in said)

    def numeric(self, i: int) -> bool:
        """Whether it holds numbers that are no times."""
        return self.facts[i].numbers > 0 and not self.facts[i].mostly(self.facts[i].times)


def _by_position(facts: list[Facts], given: Mapping[str, Role], where: str) -> dict[int, Role]:
    found: dict[int, Role] = {}
    for name, role in given.items():
        at = [i for i, f in enumerate(facts) if f.name == name] or [
            i for i, f in enumerate(facts) if f.name.casefold() == name.strip().casefold()
        ]
        if not at:
            names = ", ".join(f.name for f in facts if f.name)
            raise PdmError(f"The file has no column {name!r}.", f"It has: {names}.", where)
        found[at[0]] = replace(role)
    return found
