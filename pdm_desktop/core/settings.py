"""The settings that give a workspace's figures their meaning, kept as TOML in the workspace.

What a tracking server is logged into with is no setting anyone should read by chance: it has a file of its own, which
no backup takes along, and is never shown.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from pdm_desktop.core import times
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.results import ClockMode

LOGIN_FILE = "tracking-login"
RETRAIN, RETRAIN_PROMOTE = ("off", "at-start", "weekly"), ("never", "if-better")
_HOURS = ("horizon_h", "stuck_h")
_YES, _NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


@dataclass(frozen=True)
class Settings:
    """Every value has a meaning when nothing was set. A value's type is that of its default.

    plant_name: shown in the window's top bar.      time_zone: IANA name; times without an offset are in it.
    horizon_h: hours a risk looks ahead.            clock: live, end-of-data, or automatic (see Workspace.clock).
    failures_known_until: ISO 8601 time up to which the failure record is complete; empty = its newest failure.
    locale: language of numbers and dates in reports.
    stuck_h: hours after which a sensor that shows one and the same value is flagged as stuck.
    tracking_server: address of an MLflow server that gets a copy of every model version; empty = nothing is ever sent.
    tracking_login: user:password for it; given within the address it is taken out of it. Never shown.
    retrain: when the program retrains the model by itself: off, at-start, weekly.
    retrain_after_failures: so many failures since the model in use was trained are enough for it.
    retrain_promote: whether such a candidate is put in use by itself: never, if-better.
    """

    plant_name: str = "My plant"
    time_zone: str = "UTC"
    horizon_h: float = 24.0
    clock: ClockMode | str = "automatic"
    failures_known_until: str = ""
    locale: str = "en"
    stuck_h: float = 12.0
    tracking_server: str = ""
    tracking_login: str = field(default="", repr=False)
    retrain: str = "off"
    retrain_after_failures: int = 10
    retrain_promote: str = "never"

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
        known = {f.name: f.default for f in fields(self)}
        for key in values:
            if key not in known:
                raise PdmError(f"There is no setting {key!r}.", f"Settings are: {', '.join(sorted(known))}.", key)
        if "tracking_server" in values:
            values = values | _server(values, self)
        return _checked(replace(self, **{key: _typed(key, known[key], value) for key, value in values.items()}))

    def shown(self) -> dict[str, Any]:
        """Every setting as it may be shown."""
        return asdict(self) | {"tracking_login": "set, not shown" if self.tracking_login else ""}


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
    found = {key: str(value) for key, value in stored.items()}
    login = path.with_name(LOGIN_FILE)
    if found.get("tracking_server") and login.is_file():
        found["tracking_login"] = login.read_text("utf-8")
    return Settings().changed(found)


def save(path: Path, settings: Settings) -> None:
    """Write the settings; a crash leaves either the old file or the new one."""
    import tomli_w

    plain = asdict(settings)
    login, kept = plain.pop("tracking_login"), path.with_name(LOGIN_FILE)
    if login:
        # Readable by its owner alone from the first byte on, where the system knows such a thing.
        with os.fdopen(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(login)
    else:
        kept.unlink(missing_ok=True)
    fresh = path.with_suffix(".toml.new")
    fresh.write_text(tomli_w.dumps(plain), "utf-8")
    fresh.replace(path)


def _typed(key: str, default: Any, value: str) -> Any:
    if isinstance(default, bool):
        word = value.strip().lower()
        if word not in (*_YES, *_NO):
            raise PdmError(f"{value!r} is neither yes nor no.", "Write yes or no.", key)
        return word in _YES
    if not isinstance(default, int | float):
        return value
    try:
        return type(default)(value)
    except ValueError as exc:
        hours = key in _HOURS
        raise PdmError(
            f"{value!r} is not a number{' of hours' if hours else ''}.",
            "Write it like 24 or 0.5." if hours else "Write it in digits.",
            key,
        ) from exc


def _server(values: dict[str, str], before: Settings) -> dict[str, str]:
    """The address without what one logs in with, and that apart. PdmError for no address, which is not repeated: it
    may hold a password."""
    text = values["tracking_server"].strip()
    if not text:
        return {"tracking_server": "", "tracking_login": ""}
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and parts.hostname and not (parts.query or parts.fragment)
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        good = False
    if not good or not text.isprintable() or " " in text:
        raise PdmError(
            "That is no address of a tracking server.", "Write it like http://server:5000.", "tracking_server"
        )
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else parts.hostname
    address = urlunsplit((parts.scheme, f"{host}{port}", parts.path.rstrip("/"), "", ""))
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    else:
        login = before.tracking_login if address == before.tracking_server else ""
    return {"tracking_server": address, "tracking_login": values.get("tracking_login", login)}


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
    if settings.retrain not in RETRAIN:
        raise PdmError(f"{settings.retrain!r} is no time to retrain.", f"Use {', '.join(RETRAIN)}.", "retrain")
    if not 1 <= settings.retrain_after_failures <= 1_000_000:
        raise PdmError("The failures that are enough to retrain are one or more.", where="retrain_after_failures")
    if settings.retrain_promote not in RETRAIN_PROMOTE:
        raise PdmError(
            f"{settings.retrain_promote!r} is no rule for a promotion.",
            f"Use {' or '.join(RETRAIN_PROMOTE)}.",
            "retrain_promote",
        )
    return settings
