"""How long work tells how far it is and learns that it was cancelled."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple

from pdm_desktop.core.errors import Cancelled


class Step(NamedTuple):
    """One report: `done` of `total` units (rows, machines; total 0 while unknown), and what is being done."""

    done: int
    total: int
    text: str


class Progress:
    """Given to every long use case. The work calls `step` and `check`; another thread may call `cancel`."""

    def __init__(self, report: Callable[[Step], None] | None = None) -> None:
        self._report = report
        self._cancelled = threading.Event()

    def step(self, done: int, total: int, text: str) -> None:
        """Report `done` of `total`; raises Cancelled when the user cancelled meanwhile."""
        self.check()
        if self._report is not None:
            self._report(Step(done, total, text))

    def check(self) -> None:
        """Raise Cancelled when the user cancelled; called at chunk edges."""
        if self._cancelled.is_set():
            raise Cancelled

    def cancel(self) -> None:
        """Ask the work to stop at its next chunk edge."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled.is_set()
