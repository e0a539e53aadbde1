"""The unit of each sensor, as plant and file say it: values in another one are converted where that was asked for and
is certain, and refused else. Degrees Fahrenheit among those of Celsius would be wrong numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from pdm_desktop.core.ingest.units import Conversion, bare, conversion, differ
from pdm_desktop.core.plans import OpenQuestion, Plan, Question


@dataclass(frozen=True)
class Said:
    """Where a unit was said. words: such as "in line 5"; where: file and line or column; column: the one to map, where
    it holds the values themselves."""

    words: str
    where: str
    column: str = ""


class SensorUnits:
    """Of one file."""

    def __init__(self, plan: Plan, unit_of: Callable[[str], str | None]) -> None:
        """unit_of: sensor -> its unit in the plant, "" where that is not known, None where the plant has none such."""
        self._plan = plan
        self._unit_of = unit_of
        self._held: dict[str, tuple[str, Said | None]] = {}
        self._silent: dict[str, Said] = {}
        self._fresh: dict[str, str] = {}
        self._without: Counter[str] = Counter()
        self._converted: Counter[tuple[str, str, str]] = Counter()
        self._conversions: dict[tuple[str, str], Conversion | None] = {}

    def of(self, sensor: str) -> str:
        """The sensor's unit as far as it is known; "" where nothing said it."""
        held = self._held.get(sensor.casefold())
        return self._unit_of(sensor) or "" if held is None else held[0]

    def settle(self, sensor: str, unit: str, said: Said) -> Conversion | None:
        """What makes values of the sensor in that unit ones in its own; None where they are. OpenQuestion where they
        are in another, and nothing was said of it. A unit that says nothing is unknown, which is none."""
        unit, name = bare(unit), sensor.casefold()
        if not unit:
            if (sensor.casefold(), "") not in self._conversions:
                self._conversions[name, ""] = None
                self._silent[name] = said
            self._refuse_silent(sensor)
            return None
        if (name, unit) in self._conversions:
            return self._conversions[name, unit]
        if name not in self._held:
            known = self._unit_of(sensor)
            self._held[name] = (known, None) if known and bare(known) else (unit, said)
            if known == "":
                self._fresh[sensor] = unit
        held, first = self._held[name]
        found = None
        if differ(unit, held):
            found = conversion(unit, held)
            if found is None or self._plan.choices.units != "convert":
                raise self._question(sensor, unit, said, held, first, certain=found is not None)
        self._conversions[name, unit] = found
        self._refuse_silent(sensor)
        return found

    def converted(self, sensor: str, unit: str, count: int) -> None:
        """Note that so many values were converted from that unit."""
        self._converted[sensor, bare(unit), self.of(sensor)] += count

    def without(self, sensor: str, count: int) -> None:
        """Note that so many values came without a unit, beside a column of units."""
        self._without[sensor] += count

    def notes(self) -> tuple[str, ...]:
        """What is to be told of the units, in sentences."""
        found = [
            f"{count:,} value{'s' * (count > 1)} of {sensor} {'were' if count > 1 else 'was'} converted from {unit} to"
            f" {own}."
            for (sensor, unit, own), count in self._converted.items()
            if count
        ]
        found += [
            f"{sensor} had no unit so far: all its values are now in {unit}." for sensor, unit in self._fresh.items()
        ]
        found += [
            f"{count:,} value{'s' * (count > 1)} of {sensor} came without a unit and {'were' if count > 1 else 'was'}"
            f" taken as {self.of(sensor)}, like the others."
            for sensor, count in self._without.items()
            if count and self.of(sensor)
        ]
        return tuple(found)

    def _refuse_silent(self, sensor: str) -> None:
        """Where a sensor has two units in a file, values without one could be in either."""
        name = sensor.casefold()
        units = [unit for (of, unit), found in self._conversions.items() if of == name and found is not None]
        if units and name in self._silent:
            said, own = self._silent[name], self.of(sensor)
            text = f"Values of the sensor {sensor} are in {own} or in {units[0]}, and {said.words} no unit is said."
            hint = "Complete the units, or leave these rows out."
            raise OpenQuestion(Question("columns", text, hint, where=said.where), self._plan.path, self._plan.sheet)

    def _question(
        self, sensor: str, unit: str, said: Said, held: str, first: Said | None, *, certain: bool
    ) -> OpenQuestion:
        other = "" if first is None else f" {first.words}"
        text = f"The sensor {sensor} is in {held}{other}, and in this file in {unit} ({said.words})."
        if first is not None:
            text = f"The sensor {sensor} is in {held} {first.words}, and in {unit} {said.words}."
        hints = [f"to have {unit} converted to {held}, say --convert-units"] if certain else []
        if said.column:
            role = f"{said.column}=sensor:{sensor}"
            hints.append(f"to make the column a sensor of its own, --map {f'{role} {unit}'!r}")
            if not certain:
                hints.append(f"where both mean the same, --map {f'{role}:{held}'!r}")
        else:
            hints.append("export the file in one unit")
            column = next((c.name for c in self._plan.columns if c.role.role == "unit"), "")
            if column and not certain:
                hints.append(f"where both mean the same, leave the units out: --map {column + '=ignore'!r}")
        hint = "; or ".join(hints)
        options = (("convert", f"convert {unit} to {held}"),) if certain else ()
        question = Question(
            "units" if certain else "columns", text, hint[:1].upper() + hint[1:] + ".", options, None, said.where
        )
        return OpenQuestion(question, self._plan.path, self._plan.sheet)
