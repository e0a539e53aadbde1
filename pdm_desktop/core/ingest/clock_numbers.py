"""Times of day that are kept as numbers beside a date: fractions of a day, hours, 600 for six o'clock."""

from __future__ import annotations

from itertools import pairwise

from pdm_desktop.core.ingest import aliases
from pdm_desktop.core.ingest.draft import Draft
from pdm_desktop.core.ingest.facts import Facts
from pdm_desktop.core.plans import Question

_HOURS = frozenset(
    ("hour", "hours", "hourofday", "hr", "std", "stunde", "stunden", "heures", "horas", "ore", "uur", "godzina", "час")
)


def form_of(facts: Facts) -> str:
    """How the cells would be times of day: text, fraction, hours, hhmm, hhmmss; "" where they are none."""
    if facts.mostly(facts.clocks):
        return "text"
    numbers = facts.stamps
    if not numbers or len(numbers) != facts.filled or min(numbers) < 0:
        return ""
    if max(numbers) <= 1 and any(0 < number < 1 for number in numbers):
        return "fraction"
    if not all(number.is_integer() for number in numbers):
        return ""
    if max(numbers) <= 24:
        return "hours"
    for form, hour in (("hhmm", 100), ("hhmmss", 10_000)):
        if all(n <= 24 * hour and (n // (hour / 100)) % 100 < 60 and n % 100 < 60 for n in numbers):
            return form
    return ""


def tells(draft: Draft, i: int, dates: list[int]) -> bool:
    """Whether column i has the time of day of one of the columns of dates."""
    facts = draft.facts[i]
    form = form_of(facts)
    if form in ("", "text"):
        return False
    if form != "hours":
        return "time" in facts.roles
    # Hours may also be those that a machine ran.
    called = "time" in facts.roles or aliases.plain(facts.name) in _HOURS
    return called and any(_go_on(draft.facts[date].cells, facts.cells) for date in dates)


def _go_on(dates: list[str], hours: list[str]) -> bool:
    """Whether the hours of a day go on from row to row."""
    rows = [(date, float(hour)) for date, hour in zip(dates, hours, strict=True) if hour.strip().isdecimal()]
    steps = [after - before for (date, before), (other, after) in pairwise(rows) if date == other]
    return any(steps) and sum(step >= 0 for step in steps) >= 0.9 * len(steps)


def form(draft: Draft) -> str:
    """The form of the file's times of day; asks where hours may count from one."""
    for i in draft.of("time"):
        found = form_of(draft.facts[i])
        if found == "hours" and 0 not in draft.facts[i].stamps:
            name = draft.facts[i].name
            text = f"Whether hour 1 in column {name} begins at midnight or ends an hour later cannot be told."
            hint = "Export the times like 06:00, or in one column with the date."
            draft.questions.append(Question("columns", text, hint, where=draft.where))
        return found or "text"
    return "text"
