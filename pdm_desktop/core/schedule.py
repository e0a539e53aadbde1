"""Retraining by itself: when it is due, that it is tried again but not for ever, and what came of it.

The newest attempt is kept in a small file of the workspace. A failed one is not repeated before as many new failures
are on record again; one that was stopped, or died with the program, is taken up at the next start, thrice in a row at
most.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pdm_desktop.core import champion, provenance, retraining
from pdm_desktop.core.errors import Cancelled, PdmError
from pdm_desktop.core.gathering import ENOUGH, failures_on_record
from pdm_desktop.core.model_results import (
    Attempt,
    Goal,
    Promotion,
    RetrainingDue,
    Round,
    TrainingResult,
    TrainingSettings,
)
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.rivals import Plant
from pdm_desktop.core.settings import Settings
from pdm_desktop.core.store import Store
from pdm_desktop.core.times import DAY, parse, short

FILE = "retraining.json"
WHO = "schedule"
WEEK = 7 * DAY
MOST_INTERRUPTIONS = 3


def due(store: Store, settings: Settings, mlruns: Path, file: Path, now: int) -> RetrainingDue:
    """Whether enough new failures are on record at `now` (ms of the computer's clock), a week after the last attempt
    where that was asked for. New are failures after those the model in use, or a finished attempt, had known of.

    Whether it is to happen at all (setting `retrain`) is not looked at: whoever asks may be a scheduler.
    """
    last = newest(file)
    since, counted = _learned_until(store, settings, mlruns)
    if last is not None and last.state not in ("running", "stopped") and last.known_until >= (since or 0):
        since, counted = last.known_until, last.on_record
    known_until = _known_until(store, settings)
    new = 0
    if known_until is not None:
        new = failures_on_record(store, since, known_until)
        if counted is not None:
            # Failures that were written down later than others count as well, whenever they were.
            new = max(new, failures_on_record(store, None, known_until) - counted)
    enough = settings.retrain_after_failures
    found = f"{new:,} new failure{'' if new == 1 else 's'}"
    are = "is" if enough == 1 else "are"
    if since is not None:
        found += f" since {short(since, settings.time_zone)}"
    due, why = new >= enough, f"{found}; {enough:,} {are} enough."
    if due and last is not None:
        # The computer's clock may have been wrong then.
        again = min(last.started, now) + WEEK
        weary = last.state in ("running", "stopped") and last.interruptions >= MOST_INTERRUPTIONS
        ended = last.state not in ("running", "stopped") and settings.retrain == "weekly"
        if (weary or ended) and now < again:
            because = f"It was stopped {MOST_INTERRUPTIONS} times in a row" if weary else "It is done once a week"
            due, why = False, f"{because}: the next time is {short(again, settings.time_zone)}."
    return RetrainingDue(due, why, new, enough, since, last)


def retrain(
    plant: Plant,
    file: Path,
    asked: RetrainingDue,
    promote: Promotion | None,
    now: int,
    progress: Progress,
    on_round: Callable[[Round], None] | None = None,
) -> TrainingResult:
    """Train a candidate by the recipe of the model in use and keep what came of it; promote: None = the setting's."""
    known_until = _known_until(plant.store, plant.settings)
    before = asked.last.interruptions if asked.last and asked.last.state in ("running", "stopped") else 0
    # Until it is ended otherwise it counts as interrupted: a program that dies writes nothing.
    counted = None if known_until is None else failures_on_record(plant.store, None, known_until)
    attempt = Attempt(now, "running", known_until or 0, interruptions=before + 1, on_record=counted)
    _keep(file, attempt)
    try:
        made = retraining.retrain(plant, _options(plant, asked, promote), progress, on_round)
    except (Cancelled, KeyboardInterrupt):
        _keep(file, replace(attempt, state="stopped"))
        raise
    except PdmError as exc:
        _keep(file, replace(attempt, state="failed", message=f"{exc.message} {exc.hint}".strip(), interruptions=0))
        raise
    except BaseException:
        _keep(file, replace(attempt, state="failed", message="A fault of the program.", interruptions=0))
        raise
    state: Any = "promoted" if made.promoted else "candidate"
    _keep(file, replace(attempt, state=state, version=made.version, message=made.why, interruptions=0))
    return made


def newest(file: Path) -> Attempt | None:
    """The newest attempt on record; None where there is none, or its file was spoilt: then nothing is known of it."""
    try:
        return Attempt(**json.loads(file.read_text("utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def settle(file: Path, version: str = "") -> None:
    """The user has looked at what came of the newest attempt (or decided on this version): no more is said of it."""
    last = newest(file)
    if last is not None and last.state in ("candidate", "promoted", "failed") and version in ("", last.version):
        _keep(file, replace(last, state="settled"))


def _keep(file: Path, attempt: Attempt) -> None:
    fresh = file.with_name(file.name + ".new")
    fresh.write_text(json.dumps(asdict(attempt), ensure_ascii=False, indent=1), "utf-8")
    fresh.replace(file)


def _known_until(store: Store, settings: Settings) -> int | None:
    return settings.known_until if settings.known_until is not None else store.newest_event("failures")


def _own_facts(store: Store, mlruns: Path) -> Mapping[str, Any]:
    """Where the model in use came from, where it was trained on machines of this plant; else nothing."""
    facts = champion.facts(mlruns)
    return facts if "known_until" in facts and provenance.machines_here(store, facts) else {}


def _learned_until(store: Store, settings: Settings, mlruns: Path) -> tuple[int | None, int | None]:
    """Until when the failures were known to the model in use, and how many were on record by then; None = unknown."""
    facts = _own_facts(store, mlruns)
    counted = facts.get("failures_on_record")
    # Kept to the second.
    known_until = parse(str(facts["known_until"]), settings.time_zone) + 999 if facts else None
    return known_until, counted if isinstance(counted, int) else None


def _options(plant: Plant, asked: RetrainingDue, promote: Promotion | None) -> TrainingSettings:
    """What the model in use was trained with, as far as the user chose it, else the defaults."""
    facts = _own_facts(plant.store, plant.versions.mlruns)
    failures = plant.store.events("failures", None, None, None)
    machines = len(plant.store.machines()) - len(plant.store.names.retired())
    rule: Any = promote or plant.settings.retrain_promote
    return TrainingSettings(
        holdout_machines=machines // 10 if len(failures) >= ENOUGH else 0,
        features="telemetry" if facts.get("features") == "telemetry" else "all",
        goal=Goal(**facts["goal"]) if facts.get("goal") else Goal(),
        promote=rule,
        who=WHO,
        note=f"Retrained by schedule: {asked.new:,} new failures",
    )
