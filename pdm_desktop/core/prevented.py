"""Prevented failures: an alarm named a component, the component was replaced, and no failure came.

Whether it would have failed nobody knows. The rows of such an alarm therefore teach no model and count in no row
metric, and in the event card they are neither a failure caught nor a false alarm: they are counted apart.

Which alarms count is decided once, by the record, and not by the model that is trained or measured: else each model
would turn its own false alarms into successes, and no two would be measured on the same rows. They are the alarms the
plant was shown in time: those of the version in use that were worked out, by the computer's clock, before the horizon
they look ahead over had passed. The store notes each with when that was (`alarm_shown`), and keeps it whatever is
imported, corrected or scored anew afterwards. Risks worked out later over imported history raised no alarm, and of
risks kept by releases before schema 0005 nobody knows when they were worked out: they prevent nothing.

An alarm episode is prevented when, while it stood (gaps up to six steps merged), a component was replaced that was the
likeliest in some alarm of the episode before, worked out before the replacement took place and before it was known of,
and no failure of the machine lies between the episode's beginning and a horizon after its end. It ends at the latest a
horizon after the replacement: what is alarmed then is another matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pdm_desktop.core.evaluation import MERGED_STEPS, Ints, Prevented, alarm_runs
from pdm_desktop.core.features import MachineHistory
from pdm_desktop.core.model_results import Decision, ModelVersion
from pdm_desktop.core.store import Store
from pdm_desktop.core.times import HOUR
from pdm_desktop.core.versions import Versions


@dataclass(frozen=True)
class Alarms:
    """The alarms one machine's people were shown: times (n,) ascending, ms; the component likeliest at each; when each
    was worked out, ms (_NOT_SHOWN: too late)."""

    times: Ints
    components: tuple[str, ...]
    scored_at: Ints


_NOT_SHOWN = 2**62
"""When an alarm was worked out that was not shown in time."""


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
    for machine, alarms in shown(store, versions, horizon).items():
        made = among(alarms, histories[machine], horizon, step, known_until) if machine in histories else ()
        if made:
            found[machine] = made
    return found


def shown(store: Store, versions: Versions, horizon: int) -> dict[str, Alarms]:
    """machine -> the alarms shown there by versions for this horizon (ms), and those that stood beside them: what the
    versions in use say of the times in between that were worked out later, which tells how long an alarm stood."""
    every = versions.all()
    usable = {version.version: version for version in every if round(version.horizon_h * HOUR) == horizon}
    noted = store.shown.alarms([version.run_id for version in usable.values()])
    parts = [noted]
    machines = sorted(set(noted["machine"]))
    for version, start, end in in_use(every, tuple(reversed(versions.decisions()))):
        if machines and version.version in usable and not version.obstacle:
            parts.append(_standing(store, version, machines, start, end))
    alarms = pd.concat(parts).sort_values("time", kind="stable")
    return {
        str(machine): Alarms(
            part["time"].to_numpy(np.int64), tuple(map(str, part["component"])), part["scored_at"].to_numpy(np.int64)
        )
        for machine, part in alarms.groupby("machine", sort=False)
    }


def _standing(
    store: Store, version: ModelVersion, machines: Sequence[str], start: int | None, end: int | None
) -> pd.DataFrame:
    """The alarms among the risks kept of a version, shown or not, as Shown.alarms has them."""
    risks = store.risk(version.run_id, machines, start, end, feature_version=version.feature_version)
    risks = risks[risks["risk"] >= version.threshold]
    components = [name for name in risks.columns if name not in ("machine", "time", "risk")]
    likeliest = np.full(len(risks), "", object)
    if components:
        named = np.nan_to_num(risks[components].to_numpy(float), nan=-1.0).argmax(1)
        likeliest = np.array(components, object)[named]
    return pd.DataFrame(
        {"machine": risks["machine"], "time": risks["time"], "component": likeliest, "scored_at": _NOT_SHOWN}
    )


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
    made = history.maintenance
    known = made.times if made.known is None else np.where(made.known < 0, made.times, made.known)
    replaced = sorted(zip(made.times.tolist(), made.labels, known.tolist(), strict=True))
    found = []
    for run in alarm_runs(alarms.times, failures, step):
        start, end = int(alarms.times[run[0]]), int(alarms.times[run[-1]])
        failed = np.searchsorted(failures, [start, end + horizon], "right")
        if failed[0] != failed[1] or end + horizon > known_until:
            continue
        for at, component, known_at in replaced:
            if not start < at <= end + MERGED_STEPS * step:
                continue
            acted_on = (alarms.times[run] < at) & (alarms.scored_at[run] <= min(at, known_at))
            if component in {alarms.components[i] for i in run[acted_on]}:
                found.append(Prevented(history.machine, start, min(end, at + horizon), at, component))
                break
    return tuple(found)
