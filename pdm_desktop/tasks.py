"""The only threads. Three lanes of one thread each: write (one writer at a time), read, job (long computations).

Results, failures and changes are delivered through the function given at the start; the window's posts them to the GUI
thread, so that nothing here knows Qt. Work is cancelled at the chunk edges where it reports progress.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, TypeVar

from pdm_desktop.core.errors import Cancelled
from pdm_desktop.core.progress import Progress, Step

Lane = Literal["write", "read", "job"]
State = Literal["waiting", "running", "done", "failed", "cancelled"]
T = TypeVar("T")

_CHANGE_INTERVAL_S = 0.1


class Task:
    """One piece of work under way. Read from any thread; changed by its lane only."""

    def __init__(self, lane: Lane, title: str, key: str | None, progress: Progress) -> None:
        self.lane = lane
        self.title = title
        self.key = key
        self.state: State = "waiting"
        self.step: Step | None = None
        self.started: float | None = None
        self.superseded = False
        """Another task has taken its place: whoever asked has asked for something else since."""
        self._progress = progress
        self._stage: tuple[int, float] | None = None
        """How far it was when it began what it is doing, and when that was (monotonic)."""

    def cancel(self) -> None:
        """Ask the work to stop; it ends as `cancelled` at its next chunk edge."""
        self._progress.cancel()

    def eta_s(self) -> float | None:
        """Seconds left of what it is doing, at the pace of that so far; None while that says nothing."""
        step, stage = self.step, self._stage
        if step is None or stage is None or step.total <= 0 or step.done <= stage[0]:
            return None
        passed = time.monotonic() - stage[1]
        return passed * (step.total - step.done) / (step.done - stage[0]) if passed > 0.5 else None

    def _at(self, step: Step) -> None:
        stage = self._stage
        # Reading, training, comparing: each goes at a pace of its own.
        if stage is None or step.done < stage[0] or (self.step is not None and step.total != self.step.total):
            self._stage = (step.done, time.monotonic())
        self.step = step


class Tasks:
    """Runs work in lanes and delivers what comes of it.

    deliver(callable) must run the callable in the thread that owns the results (the GUI thread).
    """

    def __init__(self, deliver: Callable[[Callable[[], None]], None]) -> None:
        self.on_change: list[Callable[[], None]] = []
        self._deliver = deliver
        self._lock = threading.Lock()
        self._active: list[Task] = []
        self._last_change = 0.0
        self._closed = False
        self._lanes = {
            lane: ThreadPoolExecutor(1, thread_name_prefix=f"pdm-{lane}") for lane in ("write", "read", "job")
        }

    def run(
        self,
        lane: Lane,
        title: str,
        work: Callable[[Progress], T],
        done: Callable[[T], None],
        failed: Callable[[Exception], None] | None = None,
        replace: str | None = None,
    ) -> Task:
        """Queue `work` in `lane`; `done` gets its result, `failed` its exception (Cancelled included).

        replace: a key; an earlier task of the same key that is not finished is cancelled and delivers nothing more.
        """
        task = Task(lane, title, replace, Progress(lambda step: self._stepped(task, step)))
        with self._lock:
            if replace is not None:
                for earlier in self._active:
                    if earlier.key == replace:
                        earlier.superseded = True
                        earlier.cancel()
            self._active.append(task)
        self._lanes[lane].submit(self._work, task, work, done, failed)
        self._changed()
        return task

    def active(self) -> tuple[Task, ...]:
        """Tasks waiting or running, oldest first."""
        with self._lock:
            return tuple(self._active)

    def close(self) -> None:
        """Cancel everything and wait for the threads to end; nothing is delivered any more."""
        self._closed = True
        for task in self.active():
            task.cancel()
        for lane in self._lanes.values():
            lane.shutdown(wait=True, cancel_futures=True)

    def _work(
        self,
        task: Task,
        work: Callable[[Progress], Any],
        done: Callable[[Any], None],
        failed: Callable[[Exception], None] | None,
    ) -> None:
        task.started = time.monotonic()
        task.state = "running"
        outcome: Callable[[], None] | None = None
        try:
            task._progress.check()
            self._changed()
            result = work(task._progress)
        except Cancelled as exc:
            task.state = "cancelled"
            if failed is not None and not task.superseded:
                outcome = _bound(failed, exc)
        except Exception as exc:  # noqa: BLE001 (a bug in the work must reach the window's report, not die with the thread)
            task.state = "failed"
            outcome = _bound(failed if failed is not None else _raise, exc)
        else:
            task.state = "done"
            if not task.superseded:
                outcome = _bound(done, result)
        with self._lock:
            self._active.remove(task)
        if outcome is not None:
            self._post(outcome)
        self._changed()

    def _stepped(self, task: Task, step: Step) -> None:
        task._at(step)
        if time.monotonic() - self._last_change >= _CHANGE_INTERVAL_S:
            self._changed()

    def _changed(self) -> None:
        self._last_change = time.monotonic()
        for callback in tuple(self.on_change):
            self._post(callback)

    def _post(self, call: Callable[[], None]) -> None:
        if not self._closed:
            self._deliver(call)


def _bound(function: Callable[[Any], None], value: Any) -> Callable[[], None]:
    return lambda: function(value)


def _raise(exc: Exception) -> None:
    raise exc
