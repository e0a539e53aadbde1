"""Prevented failures: an alarm named a component, the component was replaced, and no failure came.

Whether it would have failed nobody knows. The rows of such an alarm therefore teach no model and count in no row
metric, and in the event card they are neither a failure caught nor a false alarm: they are counted apart.

Which alarms count is decided once, by the record, and not by the model that is trained or measured: else each model
would turn its own false alarms into successes, and no two would be measured on the same rows. They are the alarms the
plant was shown: at each time the stored risk of the version in use at that time (before the first promotion the version
in use until then), at or above that version's threshold. Risks that were never stored raised no alarm.

An alarm episode is prevented when, while it stood (gaps up to six steps merged), a component was replaced that was the
likeliest in some alarm of the episode before, and no failure of the machine lies between the episode's beginning and a
horizon after its end. It ends at the latest a horizon after the replacement: what is alarmed then is another matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pdm_desktop.core.evaluation import MERGED_STEPS, Ints, Prevented, alarm_runs
from pdm_desktop.core.features import MachineHistory
from pdm_desktop.core.model_results import Decision, ModelVersion
from pdm_desktop.core.store import Store
from pdm_desktop.core.times import HOUR
from pdm_desktop.core.versions import Versions

_AT_ONCE = 25


@dataclass(frozen=True)
class Alarms:
    """The alarms one machine's people were shown: times (n,) ascending, ms; the component likeliest at each."""

    times: Ints
    components: tuple[str, ...]


def on_record(
    store: Store,
    versions: Versions,
    histories: Mapping[str, MachineHistory],
    horizon: int,
    step: int,
    known_until: int,
) -> dict[str, tuple[Prevented, ...]]:
    """The prevented failures of every machine that has any; horizon, step and known_until in ms.

    Alarms of versions for another horizon do not count. Findings of people ("true alarm") belong here as well, once
    they are on record: each names a machine and the times its alarm stood.
    """
    found: dict[str, tuple[Prevented, ...]] = {}
    names = list(histories)
    for first in range(0, len(names), _AT_ONCE):
        for machine, alarms in shown(store, versions, names[first : first + _AT_ONCE], horizon).items():
            made = among(alarms, histories[machine], horizon, step, known_until)
            if made:
                found[machine] = made
    return found


def shown(store: Store, versions: Versions, machines: Sequence[str], horizon: int) -> dict[str, Alarms]:
    """machine -> the alarms of the versions that were in use at their time."""
    made: dict[str, list[tuple[Ints, npt.NDArray[np.object_]]]] = {}
    for version, start, end in in_use(versions.all(), tuple(reversed(versions.decisions()))):
        if round(version.horizon_h * HOUR) != horizon or version.obstacle:
            continue
        risks = store.risk(version.run_id, machines, start, end, feature_version=version.feature_version)
        risks = risks[risks["risk"] >= version.threshold]
        components = [name for name in risks.columns if name not in ("machine", "time", "risk")]
        if not components:
            continue
        for machine, part in risks.groupby("machine", sort=False):
            likeliest = np.nan_to_num(part[components].to_numpy(float), nan=-1.0).argmax(1)
            named = np.array(components, object)[likeliest]
            made.setdefault(str(machine), []).append((part["time"].to_numpy(np.int64), named))
    found = {}
    for machine, parts in made.items():
        times = np.concatenate([when for when, _ in parts])
        order = np.argsort(times, kind="stable")
        named = np.concatenate([names for _, names in parts])[order]
        found[machine] = Alarms(times[order], tuple(map(str, named)))
    return found


def in_use(
    versions: Sequence[ModelVersion], decisions: Sequence[Decision]
) -> list[tuple[ModelVersion, int | None, int | None]]:
    """(version, first ms, last ms) of every stretch of time a version was in use; decisions: oldest first."""
    about = {version.version: version for version in versions}
    changes = [d for d in decisions if d.action in ("promoted", "rolled back")]
    if not changes:
        return [(version, None, None) for version in versions if version.champion]
    stretches: list[tuple[str, int | None, int | None]] = [(changes[0].before, None, changes[0].at - 1)]
    for change, after in zip(changes, [*changes[1:], None], strict=True):
        stretches.append((change.version, change.at, None if after is None else after.at - 1))
    return [(about[name], start, end) for name, start, end in stretches if name in about]


def among(alarms: Alarms, history: MachineHistory, horizon: int, step: int, known_until: int) -> tuple[Prevented, ...]:
    """The prevented failures among one machine's alarms."""
    failures = np.unique(history.failures.times)
    replaced = sorted(zip(history.maintenance.times.tolist(), history.maintenance.labels, strict=True))
    found = []
    for run in alarm_runs(alarms.times, failures, step):
        start, end = int(alarms.times[run[0]]), int(alarms.times[run[-1]])
        failed = np.searchsorted(failures, [start, end + horizon], "right")
        if failed[0] != failed[1] or end + horizon > known_until:
            continue
        for at, component in replaced:
            if not start < at <= end + MERGED_STEPS * step:
                continue
            if component in {alarms.components[i] for i in run if alarms.times[i] < at}:
                found.append(Prevented(history.machine, start, min(end, at + horizon), at, component))
                break
    return tuple(found)
