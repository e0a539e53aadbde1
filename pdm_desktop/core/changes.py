"""A change by hand in words, for the window and the command line."""

from __future__ import annotations

from typing import Any

from pdm_desktop.core import times
from pdm_desktop.core.record_results import Edit

_KIND = {"failures": "failure", "maintenance": "replacement", "errors": "error"}


def _event_text(event: dict[str, Any], zone: str) -> str:
    return f"{_KIND[event['kind']]} {event['label']}, {times.short(event['time'], zone)}"


def _period_text(period: dict[str, Any], zone: str) -> str:
    if "start" not in period:
        return str(period["text"])
    end = "still going on" if period["end"] is None else f"to {times.short(period['end'], zone)}"
    return f"{period['state']} from {times.short(period['start'], zone)}, {end}"


def edit_text(edit: Edit, zone: str) -> str:
    """What was changed, in words; times on the plant's clock."""
    before, after = edit.before, edit.after
    match edit.what:
        case "event entered":
            return f"Entered {_event_text(after, zone)}"
        case "event corrected":
            return f"Corrected {_event_text(before, zone)} to {_event_text(after, zone)}"
        case "event deleted":
            return f"Deleted {_event_text(before, zone)}"
        case "machine renamed":
            return f"Renamed {before['name']} to {after['name']}"
        case "machines merged":
            return f"Merged machine {before['name']} into {after['name']} ({before['differing']:,} values differed)"
        case "machine retired":
            return "Retired"
        case "machine returned":
            return "Put into use again"
        case "sensor changed":
            return f"Sensor {before['name']}: {_sensor_change(before, after)}"
        case "periods entered":
            return f"Period entered: {_period_text(after, zone)}"
        case "period removed":
            return f"Period removed: {_period_text(before, zone)}"
        case "rule added":
            return f"Rule added: {after['text']}"
        case "rule removed":
            return f"Rule removed: {before['text']}"
        case "failures known until":
            return f"Failures known until {_until(after, zone)} (before: {_until(before, zone)})"
    return edit.what


def _until(said: dict[str, Any], zone: str) -> str:
    text = str(said["until"])
    return times.short(times.parse(text, zone), zone) if text else "the newest failure on record"


def _sensor_change(before: dict[str, Any], after: dict[str, Any]) -> str:
    words = {"name": "name", "unit": "unit", "low": "lower limit", "high": "upper limit"}

    def said(value: object) -> str:
        return "none" if value in (None, "") else f"{value:g}" if isinstance(value, float) else str(value)

    changed = [f"{word} {said(before[key])} → {said(after[key])}" for key, word in words.items()
               if before[key] != after[key]]  # fmt: skip
    return ", ".join(changed)
