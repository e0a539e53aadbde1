"""Work runs in lanes, tells how far it is, is cancelled at its edges, and delivers through one function."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator

import pytest

from pdm_desktop.core.errors import Cancelled
from pdm_desktop.core.progress import Progress, Step
from pdm_desktop.tasks import Task, Tasks


class Owner:
    """Stands for the GUI thread: runs what is delivered, in the test's own thread."""

    def __init__(self) -> None:
        self.posted: queue.Queue[Callable[[], None]] = queue.Queue()
        self.tasks = Tasks(self.posted.put)
        self.outcome: list[object] = []

    def until_idle(self) -> None:
        while self.tasks.active() or not self.posted.empty():
            self.posted.get(timeout=30)()

    def run(self, work: Callable[[Progress], object], lane: str = "read", replace: str | None = None) -> Task:
        return self.tasks.run(lane, "Work", work, self.outcome.append, self.outcome.append, replace)  # type: ignore[arg-type]


@pytest.fixture
def owner() -> Iterator[Owner]:
    made = Owner()
    yield made
    made.tasks.close()


def test_a_result_is_delivered_and_the_task_is_done(owner: Owner) -> None:
    task = owner.run(lambda _: 42)
    owner.until_idle()
    assert owner.outcome == [42]
    assert task.state == "done"


def test_an_exception_is_delivered_as_it_was_raised(owner: Owner) -> None:
    def work(_: Progress) -> None:
        raise ValueError("broken")

    task = owner.run(work)
    owner.until_idle()
    assert [str(x) for x in owner.outcome] == ["broken"]
    assert task.state == "failed"


def test_cancelled_work_stops_at_its_next_step_and_says_so(owner: Owner) -> None:
    begun, steps = threading.Event(), []

    def work(progress: Progress) -> None:
        begun.set()
        for n in range(1_000_000_000):
            progress.step(n, 1_000_000_000, "counting")
            steps.append(n)

    task = owner.run(work)
    assert begun.wait(30)
    task.cancel()
    owner.until_idle()
    assert task.state == "cancelled"
    assert [type(x) for x in owner.outcome] == [Cancelled]
    assert len(steps) < 1_000_000_000


def test_one_lane_does_one_thing_at_a_time_in_the_order_asked(owner: Owner) -> None:
    running: list[int] = []
    most: list[int] = []

    def work(number: int) -> Callable[[Progress], int]:
        def one(_: Progress) -> int:
            running.append(number)
            most.append(len(running))
            running.remove(number)
            return number

        return one

    for number in range(20):
        owner.run(work(number), "write")
    owner.until_idle()
    assert owner.outcome == list(range(20))
    assert max(most) == 1


def test_reading_goes_on_while_a_writer_works(owner: Owner) -> None:
    written = threading.Event()
    owner.run(lambda _: written.wait(30) and "written", "write")
    owner.run(lambda _: written.set() or "read", "read")
    owner.until_idle()
    assert sorted(map(str, owner.outcome)) == ["read", "written"]


def test_a_replaced_task_delivers_nothing(owner: Owner) -> None:
    go = threading.Event()
    owner.run(lambda _: go.wait(30) and "first", replace="page")
    owner.run(lambda _: "second", replace="page")
    owner.run(lambda _: "third", replace="page")
    go.set()
    owner.until_idle()
    assert owner.outcome == ["third"]


def test_a_task_with_a_key_that_the_user_stops_says_so_once(owner: Owner) -> None:
    begun = threading.Event()

    def work(progress: Progress) -> None:
        begun.set()
        while True:
            progress.check()

    task = owner.run(work, replace="page")
    assert begun.wait(30)
    task.cancel()
    owner.until_idle()
    assert [type(x) for x in owner.outcome] == [Cancelled]


def test_progress_is_seen_while_the_work_goes_on(owner: Owner) -> None:
    go = threading.Event()
    seen: list[tuple[int, int, str]] = []
    owner.tasks.on_change.append(lambda: seen.extend(tuple(t.step) for t in owner.tasks.active() if t.step))

    def work(progress: Progress) -> None:
        progress.step(412_000, 876_100, "Importing")
        go.wait(30)

    task = owner.run(work)
    while task.step is None:
        owner.posted.get(timeout=30)()
    assert task.step == (412_000, 876_100, "Importing")
    go.set()
    owner.until_idle()


def test_closing_cancels_what_runs_and_delivers_nothing_more() -> None:
    owner = Owner()
    begun = threading.Event()

    def work(progress: Progress) -> None:
        begun.set()
        while True:
            progress.check()

    owner.run(work)
    assert begun.wait(30)
    owner.tasks.close()
    while not owner.posted.empty():
        owner.posted.get()()
    assert owner.outcome == []


def test_the_time_left_is_that_of_the_present_stage_at_its_own_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("pdm_desktop.tasks.time.monotonic", lambda: now[0])
    task = Task("job", "Training", None, Progress())

    def at(moment: float, done: int, total: int) -> float | None:
        now[0] = moment
        task._at(Step(done, total, "…"))
        return task.eta_s()

    assert at(0, 0, 100) is None
    assert at(60, 50, 100) == 60
    # 500 rounds begin: the minute before says nothing about them
    assert at(120, 1, 500) is None
    assert at(130, 11, 500) == 489
    # the same number of machines once more, from the beginning
    assert at(140, 0, 500) is None
    assert at(150, 100, 500) == 40
