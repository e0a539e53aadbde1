"""The time that counts as now in a plant."""

from __future__ import annotations

from dataclasses import dataclass

from pdm_desktop.core import times
from pdm_desktop.core.results import ClockMode
from pdm_desktop.core.settings import Settings


@dataclass(frozen=True)
class Clock:
    """The workspace's now: the computer's time (live) or the newest reading's (end of data)."""

    mode: ClockMode
    now: int
    newest: int | None


def clock(settings: Settings, newest: int | None, computer: int) -> Clock:
    """Which clock holds. `automatic` is end of data once the newest reading is over 30 days old (or lies ahead)."""
    mode = settings.clock
    if mode == "automatic":
        mode = "end-of-data" if newest is None or not 0 <= computer - newest <= 30 * times.DAY else "live"
    if mode == "live":
        return Clock("live", computer, newest)
    return Clock("end-of-data", computer if newest is None else newest, newest)
