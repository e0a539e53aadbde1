"""Planted leaks are found, and an honest record is left alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pdm_desktop.core import audit
from pdm_desktop.core.features import EventSeries, FeatureSpec, MachineHistory, build, grid, label_matrix
from pdm_desktop.core.rowset import MachineRows
from pdm_desktop.core.times import DAY, HOUR

SPEC = FeatureSpec(("flow", "marker"), components=("pump",))
FAILURES = DAY * np.arange(9, 60, 10, dtype=np.int64)


def history(name: str, seed: int, *, leak: bool = False, known: np.ndarray | None = None) -> MachineHistory:
    rng = np.random.default_rng(seed)
    times = HOUR * np.arange(24 * 60, dtype=np.int64)
    marker = rng.normal(0, 1, len(times))
    if leak:
        for failure in FAILURES:
            marker[(times > failure - DAY) & (times <= failure)] += 100
    values = np.stack([rng.normal(10, 1, len(times)), marker])
    return MachineHistory(
        name, SPEC.sensors, times, values, failures=EventSeries(FAILURES, ("pump",) * len(FAILURES), known)
    )


def rows(of: MachineHistory, first: int, last: int, name: str | None = None) -> MachineRows:
    at = grid(first, last, HOUR)
    labels = label_matrix(of.failures, ("pump",), at, SPEC.horizon, 60 * DAY)
    return MachineRows(name or of.machine, at, build(of, SPEC, at, np.float32), labels, of.failures.times)


def audited(*histories: MachineHistory) -> list[audit.Finding]:
    seen = [rows(h, 2 * DAY, 30 * DAY) for h in histories]
    unseen = [rows(h, 31 * DAY, 58 * DAY) for h in histories]
    return list(audit.findings(seen, unseen, {h.machine: h for h in histories}, SPEC))


def test_an_honest_record_gives_no_finding() -> None:
    assert audited(history("1", 1), history("2", 2)) == []


def test_a_sensor_that_marks_the_failure_beforehand_is_worth_a_look() -> None:
    found = audited(history("1", 1, leak=True), history("2", 2, leak=True))
    assert [(f.kind, f.severity) for f in found] == [("single feature", "look")]
    assert found[0].feature.startswith("marker_")


def test_a_feature_that_knows_every_failure_to_the_row_stops_a_promotion() -> None:
    unseen = []
    for part in (rows(history(str(i), i), 31 * DAY, 58 * DAY) for i in (1, 2)):
        part.matrix[:, SPEC.names.index("marker_mean_3h")] = part.labels[:, 0] * 5.0
        unseen.append(part)
    found = audit.single_features(unseen, SPEC)
    assert [(f.kind, f.severity, f.feature) for f in found] == [("single feature", "stop", "marker_mean_3h")]


def test_a_leak_spread_over_several_sensors_is_worth_a_look() -> None:
    unseen = [rows(history(str(i), i), 31 * DAY, 58 * DAY) for i in (1, 2)]
    column = SPEC.names.index("marker_mean_3h")
    for part in unseen:
        # Only the first ten hours of each day before a failure are marked, and no other row.
        ahead = np.concatenate(([0], np.cumsum(np.diff(part.labels[:, 0].astype(int)) != 0)))
        first = np.array([np.flatnonzero(ahead == run)[0] for run in ahead])
        part.matrix[:, column] = (part.labels[:, 0] == 1) & (np.arange(len(first)) - first < 10)
    found = audit.single_features(unseen, SPEC)
    assert [(f.severity, f.feature) for f in found] == [("look", "marker_mean_3h")]
    # 10 of 24 rows twice, and the one row that looks at the failure after the last: 21 of 49
    assert "tells 43% of the rows with a failure ahead with next to no mistake" in found[0].text
    unseen[0].matrix[:40, column] = 1  # it is wrong forty times now
    assert audit.single_features(unseen, SPEC) == []


def test_machines_that_fall_silent_before_their_failure_is_written_down_stop_a_promotion() -> None:
    whole = history("1", 1)
    before = np.searchsorted(FAILURES, whole.times)
    ahead = FAILURES[np.minimum(before, len(FAILURES) - 1)] - whole.times
    kept = (ahead < 0) | (ahead >= 20 * HOUR)
    late = replace(whole, times=whole.times[kept], values=whole.values[:, kept])
    (found,) = audit.silent_before({"1": late}, SPEC.horizon)
    assert (found.kind, found.severity) == ("silent before", "stop")
    assert found.text.startswith(
        f"Before {len(FAILURES)} of {len(FAILURES)} failures the machine had been silent, 20 h"
    )
    # Where machines are silent every other day, silence before a failure says nothing.
    even = whole.times // DAY % 2 == 0
    gappy = replace(whole, times=whole.times[even], values=whole.values[:, even])
    assert audit.silent_before({"1": gappy}, SPEC.horizon) == []
    assert audit.silent_before({"1": whole}, SPEC.horizon) == []


def test_failures_known_before_they_happened_are_named() -> None:
    found = audited(history("1", 1), history("7", 2, known=FAILURES - 5 * HOUR))
    assert [(f.kind, f.severity) for f in found] == [("known before", "stop")]
    assert "machines 7" in found[0].text
    assert "6 failures" in found[0].text


def test_the_same_stretch_under_another_machine_is_found() -> None:
    one = history("1", 1)
    seen = [rows(one, 2 * DAY, 40 * DAY)]
    copied = rows(one, 31 * DAY, 58 * DAY, name="copy of 1")
    found = audit.duplicates(seen, [copied], SPEC)
    assert [f.kind for f in found] == ["duplicates"]
    assert "copy of 1" in found[0].text
    assert audit.duplicates(seen, [rows(history("2", 2), 31 * DAY, 58 * DAY)], SPEC) == []
