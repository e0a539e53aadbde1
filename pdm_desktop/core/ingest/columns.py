"""The role of each column: by what it is called and by what stands in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.ingest import aliases, tags
from pdm_desktop.core.ingest.dialect import is_time, is_time_of_day
from pdm_desktop.core.ingest.tokens import is_good, is_missing, number_of
from pdm_desktop.core.ingest.units import split_unit, unit_of
from pdm_desktop.core.plans import Choices, LayoutName, PlanColumn, Question, Role, TagRule
from pdm_desktop.core.schema import Kind

_EPOCHS = (("epoch s", 1e8, 4.2e9), ("epoch ms", 1e11, 4.2e12), ("epoch us", 1e14, 4.2e15), ("epoch ns", 1e17, 4.2e18))
_EXCEL = (20_000.0, 80_000.0)
_LABELS: dict[Kind, tuple[str, ...]] = {
    "errors": ("error",),
    "maintenance": ("component",),
    "failures": ("failure", "component"),
}
_WORDS = {"timestamp": "the time", "machine": "the machine", "error": "the error code", "component": "the component"}
_CALLED = {"timestamp": "datetime", "machine": "machineID", "error": "errorID", "component": "comp"}
_SPECIFIC = ("machin", "maschin", "maquin", "macchin", "equip", "asset", "anlage")


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
    times: int = 0
    clocks: int = 0
    stamps: list[float] = field(default_factory=list)
    """The numbers its cells would be as times: with either decimal mark, whichever the readings beside them have."""

    @staticmethod
    def of(name: str, cells: list[str], decimal: str, thousands: str) -> Facts:
        """Count what the cells are."""
        facts = Facts(name, cells, aliases.roles(name) if name else set(), aliases.canonical(name))
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
        return facts

    def mostly(self, count: int, share: float = 0.5) -> bool:
        """Whether `count` of the filled cells are at least that share."""
        return self.filled > 0 and count >= share * self.filled

    @property
    def dates_only(self) -> bool:
        """Whether its times are dates without a time of day."""
        return self.mostly(self.times) and not any(":" in cell for cell in self.cells if is_time(cell))

    @property
    def is_text(self) -> bool:
        """Whether its cells are mostly words."""
        return self.filled > 0 and not self.mostly(self.numbers + self.times + self.clocks)

    def number_form(self) -> str:
        """The form of times kept as numbers; "" where they are none."""
        if not self.mostly(len(self.stamps), 0.9) or self.mostly(self.times):
            return ""
        for name, low, high in _EPOCHS:
            if sum(low <= abs(value) < high for value in self.stamps) >= 0.9 * len(self.stamps):
                return name
        inside = sum(_EXCEL[0] <= value < _EXCEL[1] for value in self.stamps)
        return "excel" if inside >= 0.9 * len(self.stamps) else ""


@dataclass(frozen=True)
class Roles:
    """What the columns of a file are."""

    kind: Kind
    layout: LayoutName
    columns: tuple[PlanColumn, ...]
    time_form: str
    tag_rule: TagRule | None
    questions: tuple[Question, ...]
    notes: tuple[str, ...]


def assign(
    facts: list[Facts],
    units: list[str],
    choices: Choices,
    path: Path,
    line: int,
    known_sensors: frozenset[str],
) -> Roles:
    """The columns' roles; known_sensors: names in the plant's catalogue, casefolded."""
    return _Assignment(facts, units, choices, path, line, known_sensors).done()


class _Assignment:
    def __init__(
        self,
        facts: list[Facts],
        units: list[str],
        choices: Choices,
        path: Path,
        line: int,
        known_sensors: frozenset[str],
    ) -> None:
        self.facts = facts
        self.units = units
        self.choices = choices
        self.path = path
        self.where = f"{path.name}, line {line or 1}"
        self.headed = line > 0
        self.known = known_sensors
        self.given: dict[int, Role] = _by_position(facts, choices.columns, self.where)
        self.roles: dict[int, Role] = dict(self.given)
        self.questions: list[Question] = []
        self.notes: list[str] = []
        self.tag_rule: TagRule | None = None

    def done(self) -> Roles:
        self._refuse_twins()
        self._times()
        self._machine()
        layout: LayoutName = "wide"
        if self._is_long():
            kind: Kind = "telemetry"
            layout = "long"
        else:
            kind = self._kind()
            if kind == "telemetry":
                layout = self._sensors()
            else:
                self._others(kind)
        self._demand(kind, layout)
        columns = tuple(
            PlanColumn(f.name, self.roles.get(i, Role("ignore")), unit_of(self.units[i]) if i < len(self.units) else "")
            for i, f in enumerate(self.facts)
        )
        form = next((self.facts[i].number_form() for i in self._of("timestamp")), "") or "text"
        return Roles(kind, layout, columns, form, self.tag_rule, tuple(self.questions), tuple(self.notes))

    def _of(self, *roles: str) -> list[int]:
        return [i for i in range(len(self.facts)) if i in self.roles and self.roles[i].role in roles]

    def _free(self) -> list[int]:
        return [i for i, f in enumerate(self.facts) if i not in self.roles and f.name]

    def _called(self, role: str) -> list[int]:
        return [i for i in self._free() if role in self.facts[i].roles]

    def _refuse_twins(self) -> None:
        seen: dict[str, str] = {}
        for i in self._free():
            f = self.facts[i]
            key = f.canonical or re.sub(r" \(\d+\)$", "", f.name).casefold()
            if f.canonical == "timestamp" and self._date_and_time() is not None:
                continue
            if key in seen and (f.canonical or not f.is_text):
                text = f"The columns {seen[key]} and {f.name} mean the same."
                hint = f"Remove one of them, or leave it out with --map {f.name!r}=ignore."
                raise_or_ask = Question("columns", text, hint, where=self.where)
                self.questions.append(raise_or_ask)
                self.roles[i] = Role("ignore")
            seen.setdefault(key, f.name)

    # -- time ---------------------------------------------------------------------------------------------------------

    def _date_and_time(self) -> tuple[int, int] | None:
        free = self._free()
        dates = [i for i in free if self.facts[i].dates_only]
        clocks = [i for i in free if self.facts[i].mostly(self.facts[i].clocks)]
        full = [i for i in free if self.facts[i].mostly(self.facts[i].times) and not self.facts[i].dates_only]
        if full or not dates or not clocks:
            return None
        date = next((i for i in dates if self.facts[i].roles & {"date", "timestamp"}), dates[0])
        time = next((i for i in clocks if self.facts[i].roles & {"time", "timestamp"}), clocks[0])
        return date, time

    def _times(self) -> None:
        if self._of("timestamp", "date"):
            return
        pair = self._date_and_time()
        if pair is not None:
            self.roles[pair[0]], self.roles[pair[1]] = Role("date"), Role("time")
            return

        def fits(i: int) -> bool:
            f = self.facts[i]
            return f.mostly(f.times) or bool(f.number_form())

        named = [i for i in self._free() if self.facts[i].roles & {"timestamp", "date", "time"}]
        found = [i for i in named if fits(i)]
        found = [i for i in found if self.facts[i].canonical == "timestamp"] or found
        if not found:
            found = [i for i in self._free() if self.facts[i].mostly(self.facts[i].times, 0.8)]
        if not found:
            found = [i for i in self._unnamed_index() if fits(i)]
        if not found:
            # Called so, though nothing in it can be read: its rows will say why.
            found = [i for i in named if self.facts[i].canonical == "timestamp" and not self.facts[i].numbers][:1]
        if len(found) > 1:
            options = tuple((self.facts[i].name, self.facts[i].name) for i in found)
            names = " and ".join(self.facts[i].name for i in found)
            text = f"The columns {names} both hold times."
            hint = f"Say which one counts: --map {self.facts[found[0]].name!r}=timestamp."
            self.questions.append(Question("columns", text, hint, options, self.facts[found[0]].name, self.where))
        if found:
            self.roles[found[0]] = Role("timestamp")
        for i in self._free():
            f = self.facts[i]
            if f.mostly(f.times + f.clocks, 0.8) and not f.roles & {"known"}:
                self.roles[i] = Role("ignore")

    def _unnamed_index(self) -> list[int]:
        """The first column: where nothing else is the time, numbers in it may be."""
        return [0] if self.facts and 0 not in self.roles and self.facts[0].number_form() not in ("", "excel") else []

    # -- machine ------------------------------------------------------------------------------------------------------

    def _machine(self) -> None:
        if self._of("machine") or self.choices.machine is not None:
            return
        named = [i for i in self._called("machine") if not self.facts[i].fractions]
        named = (
            [i for i in named if self.facts[i].canonical]
            or [i for i in named if any(word in aliases.plain(self.facts[i].name) for word in _SPECIFIC)]
            or named
        )
        if named:
            self.roles[named[0]] = Role("machine")
            return
        key = self._key_column()
        if key is not None:
            self.roles[key] = Role("machine")
            self.notes.append(
                f"Column {self.facts[key].name} was taken for the machine: with the time, it tells rows apart."
            )

    def _key_column(self) -> int | None:
        """The one text or whole-number column that, together with the time, tells the rows apart where the time alone
        does not."""
        clock = self._of("timestamp", "date", "time")
        if not clock:
            return None
        times = list(zip(*(self.facts[i].cells for i in clock), strict=True))
        if len(times) < 6 or len(set(times)) == len(times):
            return None
        found = []
        for i in self._free():
            f = self.facts[i]
            if f.fractions or f.filled < len(f.cells) or f.roles & {"tag", "value", "quality", "error", "component"}:
                continue
            keys = {(time, cell) for time, cell in zip(times, f.cells, strict=True)}
            if len(keys) == len(times) and 1 < len(set(f.cells)) <= len(times) // 2:
                found.append(i)
        return found[0] if len(found) == 1 else None

    # -- layout -------------------------------------------------------------------------------------------------------

    def _is_long(self) -> bool:
        """Whether each row is one value of one tag; then the roles are given."""
        if self.choices.layout not in (None, "long") or self.choices.kind not in (None, "telemetry"):
            return False
        told = self.choices.layout == "long"
        values = self._of("value") or [i for i in self._called("value") if self._numeric(i)]
        names = self._of("tag") or [i for i in self._called("tag") if self.facts[i].is_text]
        numeric = [i for i in self._free() if self._numeric(i) and i not in values]
        texts = [i for i in self._free() if self.facts[i].is_text and "quality" not in self.facts[i].roles]
        if not values and len(numeric) == 1 and (names or told):
            values = numeric
        if values and not names and len(texts) == 1:
            names = texts
        alone = not values and not names and len(numeric) == 1 and len(texts) == 1 and not self._of("machine")
        if alone and len(set(self.facts[texts[0]].cells)) > 1 and tags.find(self.facts[texts[0]].cells) is not None:
            values, names = numeric, texts
        if not values or not names or not self._of("timestamp", "date"):
            return False
        value, name = values[0], names[0]
        if not told and len([i for i in numeric if i != value]) > 2:
            return False
        self.roles[value], self.roles[name] = Role("value"), Role("tag")
        for i in self._called("quality"):
            if not self._of("quality") and any(is_good(cell) for cell in self.facts[i].cells):
                self.roles[i] = Role("quality")
        if not self._of("machine") and self.choices.machine is None:
            self.tag_rule = tags.find([cell for cell in self.facts[name].cells if not is_missing(cell)])
        for i in self._free():
            self.roles[i] = Role("ignore")
        return True

    def _numeric(self, i: int) -> bool:
        return self.facts[i].numbers > 0 and not self.facts[i].mostly(self.facts[i].times)

    def _kind(self) -> Kind:
        if self.choices.kind is not None:
            return self.choices.kind
        status = [i for i in self._of("failure") if self.roles[i].name]
        sensors = self._of("sensor") + [
            i for i in self._free() if self._numeric(i) and not self.facts[i].canonical and i not in status
        ]
        if self._of("sensor") or self.choices.layout == "wide tags":
            return "telemetry"
        if not self._of("timestamp", "date"):
            called = {role for i in self._free() for role in self.facts[i].roles}
            if called & {"machine_model", "age"} and not called & {"error", "component", "failure"}:
                return "machines"
            others = [i for i in self._free() if not self.facts[i].roles & {"machine_model", "age"}]
            return "machines" if self._of("machine") and not others else "telemetry"
        if status:
            return "telemetry" if len(sensors) else "failures"

        def holds(role: str) -> bool:
            if self._of(role):
                return True
            return any(
                self.facts[i].canonical == role or self.facts[i].is_text or self.facts[i].numbers
                for i in self._called(role)
            )

        labels = [i for role in ("failure", "error", "component") for i in self._called(role)]
        plain = [i for i in sensors if i not in labels]
        if len(plain) >= 2 or not (labels or self._of("failure", "error", "component")):
            return "telemetry"
        if holds("failure"):
            return "failures"
        if holds("error"):
            return "errors"
        return self._components()

    def _components(self) -> Kind:
        name = self.path.name.casefold()
        if any(word in name for word in ("fail", "ausfall", "ausfäll", "panne", "defail", "défail", "guast", "averia")):
            return "failures"
        words = (
            "maint",
            "replac",
            "service",
            "repair",
            "wartung",
            "instand",
            "tausch",
            "entretien",
            "manten",
            "manuten",
        )
        if any(word in name for word in words) or any(f.name.casefold() == "comp" for f in self.facts):
            return "maintenance"
        text = "The file lists components, of replacements or of failures: which cannot be told."
        options = (("maintenance", "replacements"), ("failures", "failures"))
        self.questions.append(
            Question("kind", text, "Say the kind: maintenance or failures.", options, None, self.path.name)
        )
        return "maintenance"

    # -- the rest -----------------------------------------------------------------------------------------------------

    def _sensors(self) -> LayoutName:
        for i in self._free():
            f = self.facts[i]
            unused = f.canonical in ("error", "component", "failure", "machine_model", "age", "known", "machine")
            if unused or (f.canonical == "timestamp" and not f.fractions):
                self.roles[i] = Role("ignore")
            elif f.numbers or self._name(i)[0].casefold() in self.known:
                self.roles[i] = Role("sensor")
            else:
                self.roles[i] = Role("doubtful")
        named = [i for i in self._of("sensor", "doubtful") if not self.roles[i].name]
        rule = None
        if not self._of("machine") and self.choices.machine is None and self.choices.layout in (None, "wide tags"):
            columns = [i for i in named if self.roles[i].role == "sensor"]
            rule = tags.find([self._name(i)[0] for i in columns], headers=self.choices.layout != "wide tags")
            rule = rule if self.headed else None
            self.tag_rule = rule
        for i in self._of("sensor", "doubtful"):
            role, (name, unit) = self.roles[i], self._name(i)
            pair = rule.split(name) if rule is not None and not role.name else None
            if rule is not None and pair is None:
                self.roles[i] = Role("ignore")
                continue
            machine, sensor = pair or ("", role.name or name)
            self.roles[i] = Role(role.role, sensor, role.unit or unit, machine)
        return "wide tags" if rule is not None else "wide"

    def _name(self, i: int) -> tuple[str, str]:
        """Name and unit of a sensor's column; the whole header where another column has the same name."""
        name, unit = split_unit(self.facts[i].name)
        alike = [f for f in self.facts if split_unit(f.name)[0].casefold() == name.casefold()]
        if len(alike) > 1 or not name or self.facts[i].name.casefold() in self.known:
            name = self.facts[i].name
        below = unit_of(self.units[i]) if i < len(self.units) else ""
        return name, below or unit

    def _others(self, kind: Kind) -> None:
        wanted = {"machines": ("machine_model", "age")}.get(kind, (*_LABELS.get(kind, ()), "known"))
        for role in wanted:
            if self._of(role):
                continue
            called = self._called(role)
            called = [i for i in called if self.facts[i].canonical == role] or called
            for i in called[:1]:
                self.roles[i] = Role(role)
        for i in self._free():
            self.roles[i] = Role("ignore")

    def _demand(self, kind: Kind, layout: LayoutName) -> None:
        if kind != "machines" and not self._of("timestamp", "date"):
            self._lacks("timestamp")
        labels = _LABELS.get(kind)
        if labels and not self._of(*labels):
            self._lacks(labels[-1], f", which {kind} need")
        if not self._of("machine") and self.choices.machine is None and self.tag_rule is None:
            suggested = suggested_machine(self.path)
            self.questions.append(
                Question(
                    "machine",
                    "The file has no column for the machine.",
                    f"Say which machine it is of: --machine {suggested!r}, or name its column machineID.",
                    (),
                    suggested,
                    self.where,
                )
            )
        if kind == "telemetry" and layout != "long" and not self._of("sensor", "doubtful") and not self._of("failure"):
            text = "The file has a time and a machine and nothing else."
            self.questions.append(
                Question("columns", text, "Telemetry has a column for each sensor.", where=self.where)
            )

    def _lacks(self, role: str, why: str = "") -> None:
        text = f"The file has no column for {_WORDS[role]}{why}."
        hint = f"Call it {_CALLED[role]} in the first line, or say which it is: --map COLUMN={role}."
        self.questions.append(Question("columns", text, hint, where=self.where))


def suggested_machine(path: Path) -> str:
    """What a file's name says of its machine."""
    stem = path.name.split(".")[0]
    stem = re.sub(r"(?<!\d)(19|20)\d\d([-_.]?\d\d){0,2}(?!\d)", " ", stem)
    words = r"(?i)\b(export|data|daten|telemetry|telemetrie|readings|messwerte|hourly|daily|log|history|trend)\b"
    cleaned = re.sub(words, " ", re.sub(r"[_\s]+", " ", stem)).strip(" -")
    return re.sub(r"\s+", "-", cleaned) or stem


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
