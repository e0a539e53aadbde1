"""The time zone that a column's name says, such as Timestamp (UTC)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from pdm_desktop.core import times as clock
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.plans import Plan

_SAID = re.compile(
    r"(?:(?<![A-Za-z])(?:UTC|GMT|Utc|Gmt|utc|gmt)|(?<=[a-z])(?:UTC|GMT|Utc|Gmt))"
    r"(?:\s*([+-])\s*(\d{1,2})(?::?(\d\d))?)?(?![A-Za-z0-9])"
)
_CHOSEN = re.compile(r" \[([A-Za-z0-9_+/-]{1,60})\]$")
_MOST = {"+": 14, "-": 12}


def as_the_header_says(plan: Plan) -> Plan:
    """The plan with the zone that its time column names: it wins over the plant's, a choice wins over it."""
    if plan.choices.time_zone is not None:
        return plan
    for column in plan.columns:
        zone = said(column.name) if column.role.role in ("timestamp", "date", "time") else None
        if zone is not None and zone != plan.time_zone:
            note = f"Times are read as {zone}, as column {column.name} says."
            return replace(plan, time_zone=zone, notes=(*plan.notes, note))
    return plan


def told(file: str, plan: Plan) -> str:
    """What a rejects file calls the file: with the zone that was chosen for it, so that it holds once mended too."""
    zone = plan.choices.time_zone or (plan.time_zone if plan.mended else None)
    return f"{file} [{zone}]" if zone else file


def as_the_rejects_say(plan: Plan, files: Iterable[str]) -> Plan:
    """The plan of a mended rejects file with the zone chosen for the one it came from; files: its first column."""
    if not plan.mended or plan.choices.time_zone is not None:
        return plan
    found = {match[1] if (match := _CHOSEN.search(file)) else None for file in files}
    if len(found) != 1:
        if found:
            text = "The rows come from files that were read with different time zones."
            raise PdmError(text, "Import them file by file.", plan.path.name)
        return plan
    zone = found.pop()
    if zone is None:
        return plan
    clock.zone(zone)
    note = f"Times are read as {zone}, as in the file these rows come from."
    return replace(plan, time_zone=zone, notes=(*plan.notes, note))


def said(name: str) -> str | None:
    """The zone (IANA) that a column's name says: UTC, or whole hours from it."""
    found = _SAID.search(name)
    if found is None:
        return None
    sign, hours, minutes = found.groups()
    if not sign or not int(hours):
        return None if int(minutes or 0) else "UTC"
    if int(minutes or 0) or int(hours) > _MOST[sign]:
        return None
    # The signs of these names are the other way round: Etc/GMT-1 is an hour ahead of UTC.
    return f"Etc/GMT{'-' if sign == '+' else '+'}{int(hours)}"
