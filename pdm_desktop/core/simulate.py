"""A plant of any size from a seed, in the layout and with the statistics of the public Azure benchmark.

Every machine has random streams of its own, so a machine's record depends only on the seed and its number: more
machines or more days add to a plant without changing what was there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np
import numpy.typing as npt
import pandas as pd

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.times import DAY, HOUR, parse

START = parse("2015-01-01T06:00:00Z", "UTC")
SENSORS = ("volt", "rotate", "pressure", "vibration")
COMPONENTS = ("comp1", "comp2", "comp3", "comp4")
ERRORS = ("error1", "error2", "error3", "error4", "error5")
FILES = {
    "machines": "PdM_machines.csv",
    "telemetry": "PdM_telemetry.csv",
    "errors": "PdM_errors.csv",
    "maintenance": "PdM_maint.csv",
    "failures": "PdM_failures.csv",
}

# Readings: independent normal noise; component i shifts sensor i before it fails.
MEAN = np.array([170.0, 450.0, 100.0, 40.0])
SPREAD = np.array([15.0, 50.0, 10.0, 5.0])
SHIFT = np.array([20.0, -80.0, 25.0, 10.5])
DECIMALS = 12

SHIFT_HOURS = 48
"""A shift covers the readings from its start to 48 h later, both included; shifts that overlap add up."""

# Shifts that lead to nothing, per machine and day, by sensor; some are shorter than those before a failure.
FALSE_SHIFTS_A_DAY = np.array([0.0185, 0.0190, 0.0095, 0.0108])
FALSE_SHIFT_SHORT = 0.06
FALSE_SHIFT_SHORT_HOURS = (4, 24)

# Errors: exactly a day before nearly every failure, by component, and at random, per machine and day, by code.
WARNING_ERRORS = ((0,), (1, 2), (3,), (4,))
WARNING_HOURS = 24
WARNING_LATE = 0.005
RANDOM_ERRORS_A_DAY = np.array([0.0235, 0.0205, 0.0160, 0.0168, 0.0047])

# Visits: every 15 days at 06:00, the first within 15 days of the start (seldom in the last six days). All work is
# done on visits.
VISIT_DAYS = 15
VISIT_HOUR = 6
FIRST_VISIT_EARLY = 0.85
FIRST_VISIT_EARLY_DAYS = 9
PAST_DAYS = 214
"""Each component was replaced once before the start: on a plant-wide visit in these last days."""

# A component never fails in its first 30 days; after that likelier the older it is, by component and machine model.
SAFE_DAYS = 30
FAIL_A_VISIT = 0.122
FAIL_AGEING_A_DAY = 0.0006
FAIL_AT_MOST = 0.4
FAIL_BY_COMPONENT = np.array([1.0, 1.35, 0.70, 0.95])
FAIL_AT_FIRST_VISIT = 0.8
MAX_FAILURES_A_VISIT = 2

# Components replaced on schedule at a visit: chances of none, one, two; by failures at that visit.
SCHEDULED_FIRST_VISIT = ((0.68, 0.30, 0.02), (0.80, 0.20, 0.0), (1.0, 0.0, 0.0))
SCHEDULED = ((0.16, 0.60, 0.24), (0.65, 0.35, 0.0), (1.0, 0.0, 0.0))
SCHEDULED_WEIGHT_15_DAYS = 2.8
"""How much likelier a component replaced at the last visit is replaced again."""
SCHEDULED_WEIGHT_30_DAYS = 0.85

# Some machines fail on the first night, before any warning could be recorded, and nothing is replaced then.
EARLY_FAILURE = 0.12
EARLY_FAILURE_SECOND = 0.5
EARLY_FAILURE_HOURS = 21

# machine model: share of machines, failures relative to the mean
MACHINE_MODELS = {"model1": (0.16, 1.35), "model2": (0.17, 1.25), "model3": (0.35, 0.95), "model4": (0.32, 0.75)}
MAX_AGE = 20

_TAIL_DAYS = VISIT_DAYS + 3
"""What happens shortly after the end already shows before it."""


@dataclass(frozen=True)
class MachineRecord:
    """One simulated machine. Times are ms UTC, ascending; readings are (4, n) in the order of SENSORS.

    An event is (time, label); machine is text and age is in years.
    """

    machine: str
    machine_model: str
    age: int
    times: npt.NDArray[np.int64]
    readings: npt.NDArray[np.float64]
    errors: list[tuple[int, str]]
    maintenance: list[tuple[int, str]]
    failures: list[tuple[int, str]]


@dataclass(frozen=True)
class Plant:
    """The five record kinds as frames with the columns of the canonical files.

    datetime is naive UTC in milliseconds, machineID is text; sorted by machine, then time.
    """

    machines: pd.DataFrame
    telemetry: pd.DataFrame
    errors: pd.DataFrame
    maintenance: pd.DataFrame
    failures: pd.DataFrame


def records(machines: int, days: int, seed: int, start: int = START) -> Iterator[MachineRecord]:
    """The plant machine by machine: hourly readings from `start` (ms UTC) to `days` later, both included.

    Raises PdmError when there is nothing to simulate or a number is negative.
    """
    if machines < 1 or days < 1 or seed < 0:
        raise PdmError("A simulated plant needs at least one machine, one day and a seed of 0 or more.")
    for number in range(1, machines + 1):
        yield _record(number, days, seed, start)


def simulate(machines: int, days: int, seed: int, start: int = START, progress: Progress | None = None) -> Plant:
    """The whole plant in memory, as frames; see `records` for what it holds."""
    progress = progress or Progress()
    plant: list[MachineRecord] = []
    for record in records(machines, days, seed, start):
        plant.append(record)
        progress.step(len(plant), machines, "Simulating machines")
    telemetry = pd.DataFrame(
        {
            "datetime": np.concatenate([r.times for r in plant]).astype("datetime64[ms]"),
            "machineID": np.repeat(np.array([r.machine for r in plant], object), [len(r.times) for r in plant]),
            **{name: np.concatenate([r.readings[i] for r in plant]) for i, name in enumerate(SENSORS)},
        }
    )
    return Plant(
        pd.DataFrame(
            {
                "machineID": [r.machine for r in plant],
                "model": [r.machine_model for r in plant],
                "age": [r.age for r in plant],
            }
        ),
        telemetry,
        _event_frame("errorID", [(r.machine, r.errors) for r in plant]),
        _event_frame("comp", [(r.machine, r.maintenance) for r in plant]),
        _event_frame("failure", [(r.machine, r.failures) for r in plant]),
    )


def write(
    folder: Path, machines: int, days: int, seed: int, start: int = START, progress: Progress | None = None
) -> tuple[Path, ...]:
    """Write the five CSV files of such a plant into `folder` (made when absent) and return their paths.

    UTF-8, line ends \\n, times without a zone in UTC; the same bytes for the same arguments. One machine is in memory
    at a time. Raises PdmError when the folder cannot be written.
    """
    progress = progress or Progress()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            out = {
                kind: stack.enter_context((folder / name).open("w", encoding="utf-8", newline="\n"))
                for kind, name in FILES.items()
            }
            _write_header(out)
            stamps: list[str] = []
            for done, record in enumerate(records(machines, days, seed, start), 1):
                stamps = stamps or _stamps(record.times)
                _write_record(out, record, stamps)
                progress.step(done, machines, "Writing machines")
    except OSError as exc:
        raise PdmError("The simulated plant could not be written.", str(exc), str(folder)) from exc
    return tuple(folder / name for name in FILES.values())


def _write_header(out: Mapping[str, TextIO]) -> None:
    out["machines"].write("machineID,model,age\n")
    out["telemetry"].write(f"datetime,machineID,{','.join(SENSORS)}\n")
    out["errors"].write("datetime,machineID,errorID\n")
    out["maintenance"].write("datetime,machineID,comp\n")
    out["failures"].write("datetime,machineID,failure\n")


def _write_record(out: Mapping[str, TextIO], record: MachineRecord, stamps: list[str]) -> None:
    machine = record.machine
    out["machines"].write(f"{machine},{record.machine_model},{record.age}\n")
    rows = zip(stamps, *record.readings.tolist(), strict=True)
    out["telemetry"].write("".join(f"{when},{machine},{a},{b},{c},{d}\n" for when, a, b, c, d in rows))
    for kind, events in (("errors", record.errors), ("maintenance", record.maintenance), ("failures", record.failures)):
        times = _stamps(np.array([time for time, _ in events], np.int64))
        out[kind].writelines(f"{when},{machine},{label}\n" for when, (_, label) in zip(times, events, strict=True))


def _stamps(times: npt.NDArray[np.int64]) -> list[str]:
    """Times as the canonical files write them: 2015-01-01 06:00:00."""
    texts: list[str] = np.datetime_as_string(times.astype("datetime64[ms]"), unit="s").tolist()
    return [text.replace("T", " ") for text in texts]


def _event_frame(column: str, events: list[tuple[str, list[tuple[int, str]]]]) -> pd.DataFrame:
    rows = [(time, machine, label) for machine, of_machine in events for time, label in of_machine]
    return pd.DataFrame(
        {
            "datetime": np.array([row[0] for row in rows], np.int64).astype("datetime64[ms]"),
            "machineID": np.array([row[1] for row in rows], object),
            column: np.array([row[2] for row in rows], object),
        }
    )


def _record(number: int, days: int, seed: int, start: int) -> MachineRecord:
    make, work, noise, shifts, errors = (np.random.default_rng([seed, number, stream]) for stream in range(5))
    names = list(MACHINE_MODELS)
    model = names[int(make.choice(len(names), p=[share for share, _ in MACHINE_MODELS.values()]))]
    age = int(make.integers(MAX_AGE + 1))
    end = start + days * DAY
    maintenance, failures = _visits(work, MACHINE_MODELS[model][1], start, end + _TAIL_DAYS * DAY)
    times = start + HOUR * np.arange(24 * days + 1, dtype=np.int64)
    events = _error_events(errors, start, end, failures)
    return MachineRecord(
        machine=str(number),
        machine_model=model,
        age=age,
        times=times,
        readings=_readings(noise, shifts, times, failures),
        errors=[(time, ERRORS[code]) for time, code in events],
        maintenance=[(time, COMPONENTS[c]) for time, c in maintenance if time <= end],
        failures=[(time, COMPONENTS[c]) for time, c in failures if time <= end],
    )


def _visits(
    rng: np.random.Generator, machine_factor: float, start: int, end: int
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Replacements and failures as (time, component number), ascending, up to `end`."""
    origin = start + (VISIT_HOUR * HOUR - start) % DAY
    past = origin - PAST_DAYS * DAY
    replaced = np.array([past + VISIT_DAYS * DAY * int(n) for n in rng.integers(0, PAST_DAYS // VISIT_DAYS + 1, 4)])
    maintenance = [(int(time), component) for component, time in enumerate(replaced)]
    failures: list[tuple[int, int]] = []
    if rng.random() < EARLY_FAILURE:
        struck = rng.permutation(4)[: 1 + int(rng.random() < EARLY_FAILURE_SECOND)]
        failures += [(start + EARLY_FAILURE_HOURS * HOUR, int(component)) for component in struck]
    early = rng.random() < FIRST_VISIT_EARLY
    first = int(rng.integers(0, FIRST_VISIT_EARLY_DAYS) if early else rng.integers(FIRST_VISIT_EARLY_DAYS, VISIT_DAYS))
    for visit in range(origin + first * DAY, end + 1, VISIT_DAYS * DAY):
        is_first = visit == origin + first * DAY
        age = (visit - replaced) / DAY
        chance = np.clip(FAIL_A_VISIT + FAIL_AGEING_A_DAY * (age - 60), 0.0, FAIL_AT_MOST) * FAIL_BY_COMPONENT
        chance *= machine_factor * (FAIL_AT_FIRST_VISIT if is_first else 1.0)
        fails = (rng.random(4) < chance) & (age > SAFE_DAYS) & (visit > start + DAY)
        failed = rng.permutation(np.flatnonzero(fails))[:MAX_FAILURES_A_VISIT]
        scheduled = _scheduled(rng, age, failed, SCHEDULED_FIRST_VISIT if is_first else SCHEDULED)
        failures += [(visit, int(component)) for component in sorted(failed)]
        done = sorted([*failed.tolist(), *scheduled])
        maintenance += [(visit, component) for component in done]
        replaced[done] = visit
    return sorted(maintenance), sorted(failures)


def _scheduled(
    rng: np.random.Generator,
    age: npt.NDArray[np.float64],
    failed: npt.NDArray[np.int64],
    chances: tuple[tuple[float, float, float], ...],
) -> list[int]:
    count = int(rng.choice(3, p=chances[len(failed)]))
    weight = np.where(age <= 20, SCHEDULED_WEIGHT_15_DAYS, np.where(age <= 35, SCHEDULED_WEIGHT_30_DAYS, 1.0))
    weight[failed] = 0.0
    chosen: list[int] = rng.choice(4, size=count, replace=False, p=weight / weight.sum()).tolist()
    return chosen


def _readings(
    noise: np.random.Generator,
    shifts: np.random.Generator,
    times: npt.NDArray[np.int64],
    failures: list[tuple[int, int]],
) -> npt.NDArray[np.float64]:
    """Readings (4, n): noise and every shift, those before failures and those that lead to nothing."""
    start, end = int(times[0]), int(times[-1])
    values = np.ascontiguousarray((MEAN + SPREAD * noise.standard_normal((len(times), 4))).T)
    spans = [(component, time - SHIFT_HOURS * HOUR, SHIFT_HOURS) for time, component in failures]
    for sensor, rate in enumerate(FALSE_SHIFTS_A_DAY):
        own, kinds = (np.random.default_rng(shifts.integers(2**32)) for _ in range(2))
        for time in _random_hours(own, start - SHIFT_HOURS * HOUR, end, rate):
            draw, length = kinds.random(), int(kinds.integers(*FALSE_SHIFT_SHORT_HOURS, endpoint=True))
            spans.append((sensor, time, length if draw < FALSE_SHIFT_SHORT else SHIFT_HOURS))
    for sensor, begin, hours in spans:
        low = max(0, -(-(begin - start) // HOUR))
        high = (begin - start) // HOUR + hours + 1
        if high > 0:
            values[sensor, low:high] += SHIFT[sensor]
    return np.round(values, DECIMALS)


def _error_events(
    rng: np.random.Generator, start: int, end: int, failures: list[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Errors as (time, code number), ascending and distinct, within [start, end]."""
    events: set[tuple[int, int]] = set()
    for code, rate in enumerate(RANDOM_ERRORS_A_DAY):
        own = np.random.default_rng(rng.integers(2**32))  # one stream a code: more days do not change the first ones
        events.update((time, code) for time in _random_hours(own, start, end, rate))
    for time, component in failures:
        chance, late = rng.random(), int(rng.integers(1, WARNING_HOURS))
        warning = time - HOUR * (late if chance < WARNING_LATE else WARNING_HOURS)
        events.update((warning, code) for code in WARNING_ERRORS[component])
    return sorted(event for event in events if start <= event[0] <= end)


def _random_hours(rng: np.random.Generator, start: int, end: int, a_day: float) -> list[int]:
    """Times on whole hours from `start`, at random with `a_day` of them a day, drawn one after the other."""
    hours: list[int] = []
    at = rng.exponential(24 / a_day)
    while start + int(at) * HOUR <= end:
        hours.append(start + int(at) * HOUR)
        at += rng.exponential(24 / a_day)
    return hours
