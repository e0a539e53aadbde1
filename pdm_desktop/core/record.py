"""The record by hand: events entered, corrected and deleted, with who, when and why kept. Every change can be taken
back; what imports brought stays below it untouched."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from typing import Any

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.record_results import By, Edit, EventKind, HandEvent
from pdm_desktop.core.schema import EVENT_KINDS
from pdm_desktop.core.store import Store

KNOWN_UNTIL = "failures known until"
"""The one setting that is part of the record: it says up to when no failure means none happened."""
SINGULAR: dict[EventKind, str] = {"errors": "error", "maintenance": "replacement", "failures": "failure"}


def user() -> str:
    """The computer's user, the proposal for who makes a change; empty where it does not say."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


def signed(by: By, *, reason: bool) -> By:
    """The signature without stray blanks; PdmError where a name, or a reason that is asked for, is missing."""
    made = By(by.who.strip(), by.why.strip())
    if not made.who:
        raise PdmError("Who makes this change?", "Give a name: it is kept with the change.", "who")
    if reason and not made.why:
        raise PdmError("Why is this changed?", "Give a reason: it is kept with the change.", "why")
    return made


def enter(store: Store, machine: str, event: HandEvent, by: By, *, now: int, known: int | None) -> int:
    """Put an event on record; returns the edit. known: ms UTC at which it became known, None = not recorded.

    PdmError: no such machine, no label, a time after `now` (ms UTC), on record already.
    """
    by = signed(by, reason=False)
    event = _checked(store, machine, event, now)
    with store.transaction():
        edit = store.edits.note("event entered", machine, *by, {}, _plain(event))
        store.edits.enter(edit, machine, event, known)
    return edit


def correct(
    store: Store, machine: str, before: HandEvent, after: HandEvent, by: By, *, now: int, known: int | None
) -> int:
    """Replace an event by another in one change; returns the edit. PdmError as in `enter`, or `before` is gone."""
    by = signed(by, reason=True)
    _required(store, machine, before)
    if after == before:
        raise PdmError("Nothing is different.", "Change the time, the kind or what it is about.")
    after = _checked(store, machine, after, now)
    with store.transaction():
        edit = store.edits.note("event corrected", machine, *by, _plain(before), _plain(after))
        store.edits.delete(edit, machine, before)
        store.edits.enter(edit, machine, after, known)
    return edit


def delete(store: Store, machine: str, event: HandEvent, by: By) -> int:
    """Take an event off the record for good (until this change is taken back); returns the edit."""
    by = signed(by, reason=True)
    _required(store, machine, event)
    with store.transaction():
        edit = store.edits.note("event deleted", machine, *by, _plain(event), {})
        store.edits.delete(edit, machine, event)
    return edit


def note_known_until(store: Store, before: str, after: str, by: By) -> int:
    """Keep that the record of failures is now said to be complete up to another time (both as in the settings)."""
    by = signed(by, reason=False)
    return store.edits.note(KNOWN_UNTIL, None, *by, {"until": before}, {"until": after})


def known_until_without(edits: Sequence[Edit], edit: int) -> str | None:
    """What the setting is once `edit`, which was just taken back, no longer holds; None: as it is. edits: all of them,
    newest first."""
    said = [each for each in edits if each.what == KNOWN_UNTIL]
    place = next((at for at, each in enumerate(said) if each.id == edit), None)
    if place is None or any(not each.undone for each in said[:place]):
        return None  # a later one still holds
    until = str(said[place].before["until"])
    for older in said[place + 1 :]:
        if not older.undone or older.after["until"] != until:
            break
        until = str(older.before["until"])
    return until


def _checked(store: Store, machine: str, event: HandEvent, now: int) -> HandEvent:
    event = event._replace(label=event.label.strip())
    if event.kind not in EVENT_KINDS:
        raise PdmError(f"{event.kind!r} is no kind of event.", f"Kinds are {', '.join(EVENT_KINDS)}.", "kind")
    word = "code" if event.kind == "errors" else "component"
    if not event.label:
        raise PdmError(f"Which {word}?", f"Give the {word} the {SINGULAR[event.kind]} is about.", word)
    if event.time > now:
        raise PdmError("This time is still to come.", "Enter what has happened.", "time")
    if store.edits.has(machine, event):
        raise PdmError(f"This {SINGULAR[event.kind]} is on record already.", "", f"machine {machine}")
    return event


def _required(store: Store, machine: str, event: HandEvent) -> None:
    if not store.edits.has(machine, event):
        raise PdmError(
            f"This {SINGULAR[event.kind]} is not on record any more.", "Look at the list again.", f"machine {machine}"
        )


def _plain(event: HandEvent) -> dict[str, Any]:
    return {"kind": event.kind, "time": event.time, "label": event.label}
