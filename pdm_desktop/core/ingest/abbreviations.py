"""Short names of time zones behind times, such as 06:00 MEZ. Few are one offset the world over; the others count only
beside a zone that uses them: EST is New York's and was Sydney's, CST Chicago's, Shanghai's and Havana's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache

from pdm_desktop.core import times as clock
from pdm_desktop.core.plans import Plan, Question

_HOURS = {
    "CET": 1, "MEZ": 1, "CEST": 2, "MESZ": 2, "WET": 0, "WEZ": 0, "WEST": 1, "WESZ": 1, "EET": 2, "OEZ": 2, "EEST": 3,
    "OESZ": 3, "JST": 9, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
}  # fmt: skip
"""Those that are one offset wherever they are used, in hours ahead of UTC."""
_OTHERS = """
    EST EDT CST CDT MST MDT PST PDT AKST AKDT HST NST NDT AST ADT BST IST MSK SAST CAT WAT EAT KST HKT ACST ACDT AWST"""
NAMES = frozenset(_HOURS) | frozenset(_OTHERS.split())
_YEARS = range(1990, 2038)


@lru_cache(64)
def offsets(zone: str) -> Mapping[str, int | None]:
    """Short name -> ms ahead of UTC, of those that are certain beside the zone (IANA); None: the zone's own time, which
    was not always so far ahead."""
    own: dict[str, set[int]] = {}
    for year in _YEARS:
        for month in range(1, 13):
            at = datetime(year, month, 1, tzinfo=UTC).astimezone(clock.zone(zone))
            ahead = at.utcoffset()
            if ahead is not None:
                own.setdefault(str(at.tzname()), set()).add(round(ahead.total_seconds()) * clock.SECOND)
    found: dict[str, int | None] = {name: hours * clock.HOUR for name, hours in _HOURS.items()}
    found |= {name: min(ahead) if len(ahead) == 1 else None for name, ahead in own.items() if name in NAMES}
    return found


def asked(plan: Plan, cells: Iterable[str]) -> Plan:
    """The plan with the question whose short name stands behind its times, where its zone does not use it."""
    known = offsets(plan.time_zone)
    for cell in cells:
        name = cell.strip().rpartition(" ")[2]
        if name in NAMES and name not in known:
            text = f"Times end in {name}, which is not a time of {plan.time_zone}: which zone is meant?"
            hint = "Say the zone: --time-zone America/New_York, say."
            where = f"{plan.path.name}, column {plan.columns[plan.index('timestamp', 'time') or 0].name}"
            return replace(plan, questions=(*plan.questions, Question("time_zone", text, hint, where=where)))
    return plan
