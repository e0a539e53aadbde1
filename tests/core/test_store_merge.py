"""Whatever is imported and undone in whatever order, the store agrees with a plain list of who said what."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pdm_desktop.core.progress import Progress
from pdm_desktop.core.store import Outcome, Store

SENSORS = ("a", "b", "c")
Row = tuple[tuple[Any, ...], tuple[float | str | None, ...]]  # key, cells


@dataclass
class Model:
    """The rule of merging, told as simply as possible: the newest batch not undone that says a cell has it."""

    batches: list[tuple[int, list[Row]]] = field(default_factory=list)
    undone: set[int] = field(default_factory=set)

    def cells(self) -> dict[tuple[Any, ...], list[float | str | None]]:
        now: dict[tuple[Any, ...], list[float | str | None]] = {}
        for number, rows in self.batches:
            if number in self.undone:
                continue
            for key, cells in rows:
                state = now.setdefault(key, [None] * len(cells))
                for position, cell in enumerate(cells):
                    if cell is not None:
                        state[position] = cell
        return now

    def outcome(self, rows: list[Row]) -> tuple[int, int, int, int]:
        """(accepted, unchanged, duplicates, conflicts) of rows that come now, by what each does to the state."""
        now = self.cells()
        seen: set[tuple[Any, ...]] = set()
        counts = [0, 0, 0, 0]
        for key, cells in rows:
            before = now.get(key)
            state = now.setdefault(key, [None] * len(cells))
            pairs = [(position, cell) for position, cell in enumerate(cells) if cell is not None]
            if any(state[position] not in (None, cell) for position, cell in pairs):
                counts[3] += 1
            elif before is None or any(state[position] is None for position, _ in pairs):
                counts[0] += 1
            else:
                counts[2 if key in seen else 1] += 1
            for position, cell in pairs:
                state[position] = cell
            seen.add(key)
        return counts[0], counts[1], counts[2], counts[3]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "plant.db"
    Store.open(path).close()
    return path


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A path where each example puts its own fresh database."""
    return tmp_path_factory.mktemp("scratch") / "plant.db"


def fresh(template: Path, scratch: Path) -> Store:
    for suffix in ("", "-wal", "-shm"):
        scratch.with_name(scratch.name + suffix).unlink(missing_ok=True)
    shutil.copyfile(template, scratch)
    return Store.open(scratch)


def give_readings(store: Store, rows: list[Row], cuts: list[int]) -> tuple[int, Outcome]:
    with store.batch("file.csv", "telemetry") as writer:
        edges = sorted({0, len(rows), *(cut for cut in cuts if cut < len(rows))})
        for start, stop in pairwise(edges):
            part = rows[start:stop]
            names = sorted({key[0] for key, _ in part})
            codes = np.array([names.index(key[0]) for key, _ in part], np.int64)
            times = np.array([key[1] for key, _ in part], np.int64)
            values = np.array([cells for _, cells in part], float).T
            lines = np.arange(start, stop) + 2
            writer.readings(names, codes, times, [(name, "") for name in SENSORS], values, lines)
        writer.finish(f"hash {writer.id}", 0)
    return writer.id, writer.totals


def give_events(store: Store, rows: list[Row], cuts: list[int]) -> tuple[int, Outcome]:
    with store.batch("file.csv", "errors") as writer:
        edges = sorted({0, len(rows), *(cut for cut in cuts if cut < len(rows))})
        for start, stop in pairwise(edges):
            part = rows[start:stop]
            names = sorted({key[0] for key, _ in part})
            labels = sorted({key[2] for key, _ in part})
            writer.events(
                names,
                np.array([names.index(key[0]) for key, _ in part], np.int64),
                np.array([key[1] for key, _ in part], np.int64),
                labels,
                np.array([labels.index(key[2]) for key, _ in part], np.int64),
                np.array([cells[0] for _, cells in part], float),
                np.arange(start, stop) + 2,
            )
        writer.finish(f"hash {writer.id}", 0)
    return writer.id, writer.totals


def give_machines(store: Store, rows: list[Row], cuts: list[int]) -> tuple[int, Outcome]:
    with store.batch("file.csv", "machines") as writer:
        edges = sorted({0, len(rows), *(cut for cut in cuts if cut < len(rows))})
        for start, stop in pairwise(edges):
            part = rows[start:stop]
            writer.attributes(
                [key[0] for key, _ in part],
                [str(cells[0] or "") for _, cells in part],
                np.array([cells[1] for _, cells in part], float),
                np.arange(start, stop) + 2,
            )
        writer.finish(f"hash {writer.id}", 0)
    return writer.id, writer.totals


def stored_readings(store: Store) -> dict[tuple[Any, ...], list[float | str | None]]:
    sensors = [sensor.name for sensor in store.sensors()]
    found = {}
    for machine in store.machines()["machine"]:
        times, values = store.telemetry(machine)
        for column, time in enumerate(times.tolist()):
            cells = dict(zip(sensors, values[:, column].tolist(), strict=True))
            found[machine, time] = [None if np.isnan(cells[name]) else cells[name] for name in SENSORS]
    return found


def stored_events(store: Store) -> dict[tuple[Any, ...], list[float | str | None]]:
    frame = store.events("errors")
    return {
        (row.machine, row.time, row.label): [None if np.isnan(row.known) else row.known]
        for row in frame.itertuples(index=False)
    }


def stored_machines(store: Store) -> dict[tuple[Any, ...], list[float | str | None]]:
    frame = store.machines()
    return {
        (row.machine,): [row.machine_model or None, None if np.isnan(row.age) else row.age]
        for row in frame.itertuples(index=False)
    }


number = st.sampled_from([None, 1.0, 2.0])
reading = st.tuples(
    st.tuples(st.sampled_from(["m1", "m2"]), st.integers(0, 3)),
    st.tuples(number, number, number).filter(lambda cells: any(cell is not None for cell in cells)),
)
event = st.tuples(
    st.tuples(st.sampled_from(["m1", "m2"]), st.integers(0, 2), st.sampled_from(["e1", "e2"])), st.tuples(number)
)
machine = st.tuples(
    st.tuples(st.sampled_from(["m1", "m2", "m3"])), st.tuples(st.sampled_from([None, "x", "y"]), number)
)
KINDS = {
    "readings": (reading, give_readings, stored_readings),
    "events": (event, give_events, stored_events),
    "machines": (machine, give_machines, stored_machines),
}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_after_any_imports_and_undos_each_cell_is_what_its_newest_batch_not_undone_says(
    kind: str, data: st.DataObject, template: Path, scratch: Path
) -> None:
    rows_of, give, stored = KINDS[kind]
    store = fresh(template, scratch)
    model = Model()
    try:
        for _ in range(data.draw(st.integers(1, 6))):
            open_batches = [number for number, _ in model.batches if number not in model.undone]
            if open_batches and data.draw(st.booleans()):
                batch = data.draw(st.sampled_from(open_batches))
                before = model.cells()
                model.undone.add(batch)
                changed = store.undo(batch, Progress())
                after = model.cells()
                for key in before.keys() | after.keys():
                    if before.get(key) != after.get(key):
                        assert changed[key[0]] <= (key[1] if len(key) > 1 else 0)
            else:
                rows = data.draw(st.lists(rows_of, min_size=1, max_size=8))
                expected = model.outcome(rows)
                number, outcome = give(store, rows, data.draw(st.lists(st.integers(1, 7), max_size=2)))
                assert outcome[:4] == expected
                model.batches.append((number, rows))
            assert stored(store) == model.cells()
        for number, _ in model.batches:
            if number not in model.undone:
                model.undone.add(number)
                store.undo(number, Progress())
                assert stored(store) == model.cells()
        assert store.machines().empty
        assert store.sensors() == ()
    finally:
        store.close()
