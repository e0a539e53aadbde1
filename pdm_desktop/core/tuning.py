"""Tuning with Optuna: trials judged on validation alone, hopeless ones cut short, resumed where they were left.

Trials are kept in a journal beside the model versions, one a training matrix: asked for again, or after a stop, the
search goes on from there.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdm_desktop.core.errors import Cancelled
from pdm_desktop.core.model_results import Round
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.rowset import MachineRows
from pdm_desktop.core.training import DEFAULTS, trial

if TYPE_CHECKING:
    import optuna

FOLDER = "tuning"


@dataclass(frozen=True)
class Search:
    """What is searched: trials in all, the time it may take (s, None = any), where its journal is, its key in there."""

    trials: int
    time_limit_s: float | None
    folder: Path
    key: str
    seed: int
    threads: int
    limits: tuple[int, int]


def tune(
    training_rows: Sequence[MachineRows],
    validation_rows: Sequence[MachineRows],
    usual: Mapping[str, Any],
    search: Search,
    progress: Progress,
    on_round: Callable[[Round], None] | None = None,
) -> tuple[dict[str, Any], int]:
    """The parameters with the best average precision on validation, and how many trials there were. The usual ones are
    the first trial: tuning is never worse than not tuning, on validation. Ended by cancelling, finished trials stay."""
    import optuna
    from optuna.trial import TrialState

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    search.folder.mkdir(parents=True, exist_ok=True)
    study = _study(search)
    ended = (TrialState.COMPLETE, TrialState.PRUNED)
    start = {name: {**DEFAULTS, **usual}.get(name, standard) for name, standard in _STANDARD.items()}
    deadline = None if search.time_limit_s is None else time.monotonic() + search.time_limit_s
    done = len(study.get_trials(deepcopy=False, states=ended))
    if not done:
        study.enqueue_trial(start)
    while done < search.trials and not (deadline is not None and done and time.monotonic() > deadline):
        progress.step(done * search.limits[0], search.trials * search.limits[0], _stage(done + 1, search))
        within = _Trial(progress, done, search)
        _one(study, done + 1, (training_rows, validation_rows), usual, search, deadline, within, on_round)
        done += 1
    best = study.best_params
    return {**usual, **_plain(best)}, done


def _study(search: Search) -> optuna.Study:
    """The search as far as it came. A journal that a crash has damaged is no use: the search begins anew."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    journal = search.folder / f"{search.key[:32]}.journal"
    if journal.is_file() and not _readable(journal):
        journal.unlink()
    lock = JournalFileOpenLock(str(journal))
    return optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(journal), lock_obj=lock)),
        study_name=search.key,
        load_if_exists=True,
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=search.seed, n_startup_trials=8),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=20),
    )


def _readable(journal: Path) -> bool:
    """Whether every line of it is whole: one that was cut off is not ended, or continued by the next."""
    try:
        text = journal.read_text("utf-8")
        return text.endswith("\n") and all(isinstance(json.loads(line), dict) for line in text.splitlines())
    except ValueError:
        return False


def _stage(number: int, search: Search) -> str:
    return f"Tuning: trial {number} of {search.trials}, judged on validation"


class _Trial(Progress):
    """The rounds of one trial as a part of all trials."""

    def __init__(self, whole: Progress, done: int, search: Search) -> None:
        super().__init__()
        self._whole, self._before, self._search = whole, done, search

    def step(self, done: int, total: int, text: str) -> None:  # noqa: ARG002 (the whole search says what it is doing)
        """A round is done."""
        most = self._search.limits[0]
        self._whole.step(self._before * most + done, self._search.trials * most, _stage(self._before + 1, self._search))

    def check(self) -> None:
        """Stopped with the whole."""
        self._whole.check()


_STANDARD: Mapping[str, Any] = {
    "eta": 0.1,
    "max_depth": 6,
    "min_child_weight": 1.0,
    "subsample": 0.5,
    "colsample_bytree": 1.0,
    "colsample_bynode": 1.0,
    "lambda": 1.0,
    "weight_positives": False,
}


def _asked(trial_: optuna.Trial) -> dict[str, Any]:
    return {
        "eta": trial_.suggest_float("eta", 0.02, 0.3, log=True),
        "max_depth": trial_.suggest_int("max_depth", 3, 8),
        "min_child_weight": trial_.suggest_float("min_child_weight", 0.5, 20.0, log=True),
        "subsample": trial_.suggest_float("subsample", 0.4, 1.0),
        "colsample_bytree": trial_.suggest_float("colsample_bytree", 0.2, 1.0),
        "colsample_bynode": trial_.suggest_float("colsample_bynode", 0.1, 1.0),
        "lambda": trial_.suggest_float("lambda", 0.5, 20.0, log=True),
        "weight_positives": trial_.suggest_categorical("weight_positives", [False, True]),
    }


def _plain(params: Mapping[str, Any]) -> dict[str, Any]:
    """XGBoost's own parameters of a trial. Weighted positives shift the margins; calibration takes that back."""
    found = {name: value for name, value in params.items() if name != "weight_positives"}
    return found | ({"scale_pos_weight": 5.0} if params.get("weight_positives") else {})


def _one(
    study: optuna.Study,
    number: int,
    rows: tuple[Sequence[MachineRows], Sequence[MachineRows]],
    usual: Mapping[str, Any],
    search: Search,
    deadline: float | None,
    progress: Progress,
    on_round: Callable[[Round], None] | None,
) -> None:
    import optuna
    from optuna.trial import TrialState

    asked = study.ask()
    params = _asked(asked)
    best: list[float] = []

    def told(round_: int, loss: float, learned: float) -> None:
        best.append(min(loss, best[-1] if best else loss))
        if on_round is not None:
            on_round(Round(number, round_, loss, best[-1], learned))
        # With positives weighted the loss is another measure: such trials are not compared by it.
        if not params["weight_positives"]:
            asked.report(-best[-1], round_)
            if asked.should_prune():
                raise optuna.TrialPruned

    chosen = {**DEFAULTS, **usual, **_plain(params), "seed": search.seed, "nthread": search.threads}
    try:
        reached = trial(*rows, chosen, search.limits, progress, told, deadline)
    except optuna.TrialPruned:
        study.tell(asked, state=TrialState.PRUNED)
    except (Cancelled, KeyboardInterrupt):
        study.tell(asked, state=TrialState.FAIL)
        raise
    else:
        study.tell(asked, reached)
