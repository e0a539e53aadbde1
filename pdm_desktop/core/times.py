"""Instants. Inside: integer milliseconds since 1970 UTC. At the edges: text in the plant's time zone."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pdm_desktop.core.errors import PdmError

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@cache
def zone(name: str) -> ZoneInfo:
    """The IANA time zone `name`; PdmError when there is none of that name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise PdmError(
            f"There is no time zone named {name!r}.", "Use an IANA name such as Europe/Berlin or UTC.", "time_zone"
        ) from exc


def now_ms() -> int:
    """The computer's clock, ms UTC."""
    return time.time_ns() // 1_000_000


def parse(text: str, zone_name: str) -> int:
    """ISO 8601 text to ms UTC. Without an offset it is in `zone_name`; in a daylight-saving fold the first."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as exc:
        raise PdmError(f"{text!r} is not a time.", "Write it like 2015-01-20 00:00 or 2015-01-20T00:00:00Z.") from exc
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone(zone_name))
    if not 1 < moment.year < 9999:
        # Shifted into another zone such a time may not exist.
        raise PdmError(f"{text!r} is out of range.", "Give a year between 2 and 9998.")
    return round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)


def local(ms: int, zone_name: str) -> datetime:
    """The instant as an aware datetime in `zone_name`."""
    seconds, rest = divmod(int(ms), 1000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000).astimezone(zone(zone_name))


def iso(ms: int, zone_name: str) -> str:
    """ISO 8601 with offset and seconds, in `zone_name`: 2015-01-20T00:00:00+00:00."""
    return local(ms, zone_name).isoformat(timespec="seconds")


def short(ms: int, zone_name: str) -> str:
    """For people: 20 Jan 2015, 00:00."""
    moment = local(ms, zone_name)
    return f"{moment.day} {moment:%b %Y, %H:%M}"
