"""Merging one file into the record, chunk by chunk, inside one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from pdm_desktop.core import times as clock
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.schema import EVENT_KINDS, MOST_LABELS, MOST_MACHINES, MOST_SENSORS, Kind, Sensor
from pdm_desktop.core.store import catalogue
from pdm_desktop.core.store.bulk import Floats, Ints
from pdm_desktop.core.store.incoming import Incoming, Outcome
from pdm_desktop.core.store.tables import natural_key, record_table

# The tables of one file have its content in common, and their names, behind the arrow, tell them apart.
_SAME_TABLE = (
    "o.sha256 = b.sha256 AND o.kind = b.kind AND (o.file = b.file OR instr(b.file, ' \N{RIGHTWARDS ARROW} ') = 0)"
)


class BatchWriter:
    """One import batch under way; made by Store.batch. Give it chunks, then `finish` it (or nothing is kept)."""

    def __init__(self, connection: sqlite3.Connection, file: str, kind: Kind) -> None:
        self._db = connection
        self._kind = kind
        self.finished = False
        self.kept = False
        self.id = int(
            connection.execute(
                "INSERT INTO batch (file, sha256, kind, imported_at) VALUES (?, '', ?, ?) RETURNING id",
                (file, kind, clock.now_ms()),
            ).fetchone()[0]
        )
        self._rows = Incoming(connection, self.id)
        self._machines = dict(connection.execute("SELECT name, id FROM machine").fetchall())
        self._former = dict(connection.execute("SELECT name, id FROM alias WHERE kind = 'machine'").fetchall())
        self._labels = dict(connection.execute("SELECT name, id FROM label").fetchall())
        self._sensors = {sensor.name.casefold(): sensor for sensor in catalogue.all_sensors(connection)}
        former = connection.execute("SELECT name, id FROM alias WHERE kind = 'sensor'").fetchall()
        by_id = {sensor.id: sensor for sensor in self._sensors.values()}
        self._former_sensors = {name.casefold(): by_id[number] for name, number in former}
        self._present = {sensor.id for sensor in catalogue.sensors(connection)}
        self._used_sensors: dict[int, Sensor] = {}
        self._units_said = False
        self._totals = Outcome(0, 0, 0, 0, 0)

    # -- what came in so far ------------------------------------------------------------------------------------------

    @property
    def totals(self) -> Outcome:
        """The sums over all chunks so far."""
        return self._totals

    @property
    def altered(self) -> bool:
        """Whether the record says anything else than before; a file that contradicts itself may not alter it."""
        return self._rows.altered or self._units_said

    @property
    def contradicted(self) -> tuple[int, int]:
        """How many of the rows (or values) so far say another thing than earlier ones of the batch, and of how many."""
        return self._rows.contradicted, self._rows.given

    @property
    def by_line(self) -> list[tuple[Ints, Ints]] | None:
        """What became of each line; see Incoming.by_line."""
        return self._rows.by_line

    @by_line.setter
    def by_line(self, wanted: list[tuple[Ints, Ints]] | None) -> None:
        self._rows.by_line = wanted

    @property
    def machines(self) -> tuple[str, ...]:
        """The machines of the file so far, in natural order."""
        names = {number: name for name, number in self._machines.items()}
        return tuple(sorted((names[number] for number in self._rows.spans), key=natural_key))

    @property
    def sensors(self) -> tuple[Sensor, ...]:
        """The sensors of the file so far, in the file's order."""
        return tuple(self._used_sensors.values())

    @property
    def changed(self) -> dict[str, int]:
        """machine -> the earliest time (ms) at which its record changed; 0 where its attributes did."""
        names = {number: name for name, number in self._machines.items()}
        return {names[number]: time for number, time in self._rows.changed.items()}

    @property
    def plant_machines(self) -> tuple[str, ...]:
        """The machines that the plant has without this batch, and what they were called formerly."""
        return (*catalogue.machines(self._db), *self._former)

    @property
    def plant_labels(self) -> tuple[str, ...]:
        """The codes, or the components, of the plant's events, before this batch brings its own."""
        assert self._kind in EVENT_KINDS
        return catalogue.labels(self._db, self._kind)

    def alike(self, word: str) -> dict[str, str]:
        """name -> the plant's name that it was said to be the same as; word: machine, code or component."""
        return catalogue.alike(self._db, word)

    def remember_alike(self, word: str, same: Mapping[str, str]) -> None:
        """Keep that names are the same as the plant's."""
        known = self._former | self._machines if word == "machine" else self._labels
        rows = [(f"alike {word}", name, known[other]) for name, other in same.items() if other in known]
        self._db.executemany("INSERT OR REPLACE INTO alias (kind, name, id) VALUES (?, ?, ?)", rows)

    def knows_sensor(self, name: str) -> bool:
        """Whether the catalogue has a sensor of that name (letter case aside)."""
        return self._sensor(name.strip()) is not None

    def unit_of(self, name: str) -> str | None:
        """The unit of the plant's sensor of that name, "" where it is not known; None where the plant has no such
        sensor, or only of imports undone."""
        sensor = self._sensor(name.strip())
        return sensor.unit if sensor is not None and self._in_use(sensor) else None

    def _in_use(self, sensor: Sensor) -> bool:
        return sensor.id in self._present or sensor.id in self._used_sensors

    def _sensor(self, name: str) -> Sensor | None:
        return self._sensors.get(name.casefold()) or self._former_sensors.get(name.casefold())

    # -- chunks -------------------------------------------------------------------------------------------------------

    def readings(
        self,
        machines: Sequence[str],
        codes: Ints,
        times: Ints,
        sensors: Sequence[tuple[str, str]],
        values: Floats,
        lines: Ints,
    ) -> Outcome:
        """Merge readings: row i is of machine machines[codes[i]] at times[i] (ms UTC), values (S, n) in the order of
        `sensors` ((name, unit)), NaN where empty; lines: the rows' line numbers (n,), or those of the values (S, n):
        then values are counted instead of rows. Sensors and machines new to the plant enter its catalogue. A row
        without any value changes nothing and counts as unchanged."""
        fresh = {name.strip().casefold() for name, _ in sensors if not self.knows_sensor(name)}
        if len(self._sensors) + len(fresh) > MOST_SENSORS:  # said before columns are made, which takes its time
            raise PdmError(f"A plant can have {MOST_SENSORS:,} sensors at most.", "Leave some out of the file.")
        ids = [self._sensor_id(name, unit) for name, unit in sensors]
        twice = [name for at, (name, _) in enumerate(sensors) if ids[at] in ids[:at]]
        if twice:
            # Only a renamed sensor can come twice: under its present and its former name.
            raise PdmError(f"Two columns are the sensor {twice[0]!r}.", "Leave one of them out of the file.", twice[0])
        some = ~np.isnan(values).all(axis=0) if ids else np.zeros(len(codes), np.bool_)
        idle = len(codes) - int(some.sum())
        if idle:
            codes, times, values, lines = codes[some], times[some], values[:, some], lines[..., some]
        outcome = Outcome(0, idle, 0, 0, 0)
        if len(codes):
            table = record_table("telemetry", tuple(sensor.id for sensor in self._sensors.values()))
            cells = tuple(f"s{i}" for i in ids)
            machine_ids = self._machine_ids(machines, codes)
            merged = self._rows.merge(table, (machine_ids, times), cells, values, lines)
            outcome = Outcome(*(a + b for a, b in zip(merged, outcome, strict=True)))
        return self._count(outcome)

    def events(
        self, machines: Sequence[str], codes: Ints, times: Ints, labels: Sequence[str], label_codes: Ints,
        known: Floats, lines: Ints,
    ) -> Outcome:  # fmt: skip
        """Merge events of the batch's kind: labels[label_codes[i]] at machines[codes[i]] at times[i] (ms UTC), known:
        ms UTC at which the record became known, NaN where the file does not say."""
        assert self._kind in EVENT_KINDS
        table = record_table(self._kind)
        keys = (self._machine_ids(machines, codes), times, self._label_ids(labels)[label_codes])
        return self._count(self._rows.merge(table, keys, table.cells, known[np.newaxis, :], lines)._replace(values=0))

    def attributes(self, machines: Sequence[str], models: Sequence[str], ages: Floats, lines: Ints) -> Outcome:
        """Merge machines: names (n,), machine_model ("" where empty), age in years (NaN where empty)."""
        table = record_table("machines")
        keys = (self._machine_ids(machines, np.arange(len(lines))),)
        given = np.array([bool(model) for model in models], np.bool_)
        numbers = np.where(given, self._label_ids(models).astype(np.float64), np.nan)
        cells = np.array([numbers, ages])
        return self._count(self._rows.merge(table, keys, table.cells, cells, lines)._replace(values=0))

    def remember_tags(self, tags: Sequence[tuple[str, str, str]]) -> None:
        """Keep what tags were taken for: (tag, what stands before its sensor, machine)."""
        known = self._former | self._machines
        present = set(catalogue.machines(self._db).values())
        # A machine that is here for the first time, or again after all its imports were undone, may be another one.
        fresh = {(known[machine],) for _, _, machine in tags if machine in known} - {(number,) for number in present}
        self._db.executemany("DELETE FROM alias WHERE kind IN ('tag', 'path') AND id = ?", sorted(fresh))
        rows = [("tag", tag, known[machine]) for tag, _, machine in tags if machine in known]
        rows += [("path", path, known[machine]) for _, path, machine in tags if path and machine in known]
        self._db.executemany("INSERT OR REPLACE INTO alias (kind, name, id) VALUES (?, ?, ?)", rows)

    def finish(
        self,
        sha256: str,
        rejected: int,
        counts: Outcome | None = None,
        *,
        profile: str | None = None,
        rejected_values: int = 0,
        rejects: str | None = None,
    ) -> None:
        """Close the batch: counts (where lines are not the rows given), catalogue of what it touched, risks that no
        longer hold. profile: by which the file was read; rejects: name of the file with what was rejected."""
        counts = self._totals if counts is None else counts
        self._db.execute(
            "UPDATE batch SET sha256 = ?, accepted = ?, unchanged = ?, duplicates = ?, conflicts = ?, rejected = ?,"
            " rejected_values = ?, profile = ?, rejects = ? WHERE id = ?",
            (sha256, *counts[:4], rejected, rejected_values, profile or "", rejects or "", self.id),
        )
        spans = [(self.id, machine, *span) for machine, span in self._rows.spans.items()]
        self._db.executemany("INSERT INTO batch_machine (batch, machine, first, last) VALUES (?, ?, ?, ?)", spans)
        self._db.executemany(
            "INSERT INTO batch_sensor (batch, sensor) VALUES (?, ?)",
            [(self.id, number) for number in self._used_sensors],
        )
        self._db.executemany(
            "UPDATE machine SET readings = readings + ? WHERE id = ?",
            [(n, machine) for machine, n in self._rows.added.items()],
        )
        self._rows.close()
        catalogue.forget_risks(self._db, self._rows.changed)
        catalogue.refresh_views(self._db)
        self.finished = True

    @property
    def known_file(self) -> bool:
        """Whether a batch not undone came from a file of the same content (after `finish`)."""
        row = self._db.execute(
            f"SELECT 1 FROM batch b JOIN batch o ON {_SAME_TABLE} AND o.id <> b.id"
            " WHERE b.id = ? AND o.undone_at IS NULL",
            (self.id,),
        ).fetchone()
        return row is not None

    @property
    def came_before(self) -> bool:
        """Whether a file of the same content brought these machines' records and stands: whatever differs now was
        corrected since, and the newer correction holds (after `finish`)."""
        totals = self._totals
        # What contradicts itself in one file differs twice when the file comes again: such conflicts are its own.
        if totals.accepted or totals.conflicts <= 2 * self._rows.contradicted:
            return False
        row = self._db.execute(
            f"SELECT 1 FROM batch b JOIN batch o ON {_SAME_TABLE} AND o.id < b.id"
            " WHERE b.id = ? AND o.undone_at IS NULL AND NOT EXISTS"
            " (SELECT machine, first, last FROM batch_machine WHERE batch = b.id EXCEPT"
            " SELECT machine, first, last FROM batch_machine WHERE batch = o.id)",
            (self.id,),
        ).fetchone()
        return row is not None

    # -- the catalogue ------------------------------------------------------------------------------------------------

    def _machine_ids(self, names: Sequence[str], codes: Ints) -> Ints:
        for name in names:
            if name not in self._machines and name not in self._former:
                if len(self._machines) >= MOST_MACHINES:
                    hint = "Look whether the column of the machine is the right one."
                    raise PdmError(f"A plant can have {MOST_MACHINES:,} machines at most.", hint)
                cursor = self._db.execute("INSERT INTO machine (name) VALUES (?) RETURNING id", (name,))
                self._machines[name] = int(cursor.fetchone()[0])
        known = self._former | self._machines
        return np.array([known[name] for name in names], np.int64)[codes]

    def _label_ids(self, names: Sequence[str]) -> Ints:
        for name in names:
            if name not in self._labels:
                if len(self._labels) >= MOST_LABELS:
                    hint = "Look whether the column of the code or component is the right one."
                    raise PdmError(f"A plant can have {MOST_LABELS:,} codes and components at most.", hint)
                cursor = self._db.execute("INSERT INTO label (name) VALUES (?) RETURNING id", (name,))
                self._labels[name] = int(cursor.fetchone()[0])
        return np.array([self._labels[name] for name in names], np.int64)

    def _sensor_id(self, name: str, unit: str) -> int:
        name = name.strip()
        sensor = self._sensor(name)
        if sensor is None:
            sensor = catalogue.add_sensor(self._db, name, unit)
            self._sensors[name.casefold()] = sensor
        elif unit and unit != sensor.unit and not (sensor.unit and self._in_use(sensor)):
            # Nothing said it so far, or only an import that was undone. From now on other units are told apart.
            sensor = self._say_unit(sensor, unit)
        self._used_sensors.setdefault(sensor.id, sensor)
        return sensor.id

    def _say_unit(self, sensor: Sensor, unit: str) -> Sensor:
        said = replace(sensor, unit=unit)
        catalogue.say_unit(self._db, said)
        for names in (self._sensors, self._former_sensors):
            names.update({name: said for name, other in names.items() if other.id == said.id})
        if said.id in self._used_sensors:
            self._used_sensors[said.id] = said
        self._units_said = True
        return said

    def _count(self, outcome: Outcome) -> Outcome:
        self._totals = Outcome(*(a + b for a, b in zip(self._totals, outcome, strict=True)))
        return outcome
