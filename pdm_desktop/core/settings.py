"""The settings that give a workspace's figures their meaning, kept as TOML in the workspace."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from pdm_desktop.core import times
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.results import ClockMode


@dataclass(frozen=True)
class Settings:
    """Every value has a meaning when nothing was set.

    plant_name: shown in the window's top bar.      time_zone: IANA name; times without an offset are in it.
    horizon_h: hours a risk looks ahead.            clock: live, end-of-data, or automatic (see Workspace.clock).
    failures_known_until: ISO 8601 time up to which the failure record is complete; empty = its newest failure.
    locale: language of numbers and dates in reports.
    stuck_h: hours after which a sensor that shows one and the same value is flagged as stuck.
    """

    plant_name: str = "My plant"
    time_zone: str = "UTC"
    horizon_h: float = 24.0
    clock: ClockMode | str = "automatic"
    failures_known_until: str = ""
    locale: str = "en"
    stuck_h: float = 12.0

    @property
    def horizon(self) -> int:
        """The horizon in ms."""
        return round(self.horizon_h * times.HOUR)

    @property
    def known_until(self) -> int | None:
        """`failures_known_until` as ms UTC, None when not set."""
        return times.parse(self.failures_known_until, self.time_zone) if self.failures_known_until else None

    def changed(self, values: dict[str, str]) -> Settings:
        """These settings with `values` (key to text) put in; PdmError for an unknown key or a senseless value."""
        known = {f.name for f in fields(self)}
        for key in values:
            if key not in known:
                raise PdmError(f"There is no setting {key!r}.", f"Settings are: {', '.join(sorted(known))}.", key)
        return _checked(replace(self, **{key: _typed(key, value) for key, value in values.items()}))


def load(path: Path) -> Settings:
    """The settings in `path`; the defaults where there is no file. PdmError when the file is broken."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return Settings()
    try:
        stored = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise PdmError(f"The settings cannot be read: {exc}.", "Mend the file or delete it.", str(path)) from exc
    return Settings().changed({key: str(value) for key, value in stored.items()})


def save(path: Path, settings: Settings) -> None:
    """Write the settings; a crash leaves either the old file or the new one."""
    import tomli_w

    fresh = path.with_suffix(".toml.new")
    fresh.write_text(tomli_w.dumps(asdict(settings)), "utf-8")
    fresh.replace(path)


def _typed(key: str, value: str) -> Any:
    if key not in ("horizon_h", "stuck_h"):
        return value
    try:
        return float(value)
    except ValueError as exc:
        raise PdmError(f"{value!r} is not a number of hours.", "Write it like 24 or 0.5.", key) from exc


def _checked(settings: Settings) -> Settings:
    times.zone(settings.time_zone)
    if not 1 / 60 <= settings.horizon_h <= 24 * 366:
        raise PdmError(
            f"A horizon of {settings.horizon_h:g} h is out of range.", "One minute to one year.", "horizon_h"
        )
    if not 0 < settings.stuck_h <= 24 * 366:
        raise PdmError(f"{settings.stuck_h:g} h is out of range.", "More than nothing, a year at most.", "stuck_h")
    if settings.clock not in ("live", "end-of-data", "automatic"):
        raise PdmError(f"{settings.clock!r} is not a clock.", "Use live, end-of-data or automatic.", "clock")
    if settings.failures_known_until:
        times.parse(settings.failures_known_until, settings.time_zone)
    return settings
