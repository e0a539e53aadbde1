"""Whether rows come at regular times, as readings do, or when something happens, as events do."""

from __future__ import annotations

import numpy as np

from pdm_desktop.core.ingest import instants
from pdm_desktop.core.ingest.draft import Draft

_FEW = 5  # steps, of which nothing can be told
_REGULAR = 0.5
"""Share of the steps that are of the commonest length."""


def regular(draft: Draft, beside: int | None = None) -> bool | None:
    """Whether each machine's rows (beside: those with one text in that column) mostly are one step apart; None where
    too few tell."""
    clock = draft.of("timestamp", "date", "time")
    if not clock:
        return None
    texts = [" ".join(cells).strip().encode() for cells in zip(*(draft.facts[i].cells for i in clock), strict=True)]
    form = draft.facts[clock[0]].number_form() if len(clock) == 1 else ""
    moments = instants.parse(np.array(texts or [b""]), form or "text", True)
    if len(moments.ms) != len(texts) or not texts:
        return None
    whose = [*draft.of("machine"), *([] if beside is None else [beside])]
    names = ["\0".join(cells) for cells in zip(*(draft.facts[i].cells for i in whose), strict=True)]
    series = np.unique(names, return_inverse=True)[1] if names else np.zeros(len(texts), np.int64)
    good = moments.state == instants.GOOD
    series, ms = series[good], moments.ms[good]
    order = np.lexsort((ms, series))
    steps = np.diff(ms[order])[np.diff(series[order]) == 0]
    steps = steps[steps > 0]
    if len(steps) < _FEW:
        return None
    _, counts = np.unique(steps, return_counts=True)
    return bool(counts.max() >= _REGULAR * len(steps))
