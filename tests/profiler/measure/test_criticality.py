"""Work that hides costs nothing, work that a call waits for costs what it takes: told by delaying it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from profiler.measure.criticality import criticality_of
from profiler.measure.delays import TaskDelays


def _hidden(pool: ThreadPoolExecutor) -> None:
    task = pool.submit(time.sleep, 0.001)
    time.sleep(0.01)
    task.result()


def _exposed(pool: ThreadPoolExecutor) -> None:
    pool.submit(time.sleep, 0.01).result()


def _in_a_row(pool: ThreadPoolExecutor) -> None:
    for _ in range(3):
        pool.submit(time.sleep, 0.003).result()


def _in_threads(_: ThreadPoolExecutor) -> None:
    threads = [threading.Thread(target=time.sleep, args=(0.01,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize(("work", "tasks"), [(_hidden, 1), (_exposed, 1), (_in_a_row, 3), (_in_threads, 2)])
def test_tasks_of_pools_and_threads_are_found_and_delayed(
    work: Callable[[ThreadPoolExecutor], None], tasks: int
) -> None:
    with ThreadPoolExecutor(1) as pool:
        found = criticality_of(lambda: work(pool), 0.01)
    assert found is not None
    assert found.tasks == tasks
    assert found.work_s > 0
    assert found.delay_s >= 1e-3  # a tenth of the call, and a sleep never ends early


def test_a_call_without_tasks_has_nothing_to_delay() -> None:
    assert criticality_of(lambda: None, 1e-6) is None


@dataclass
class _Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_a_call_that_waits_for_its_task_becomes_longer_by_the_whole_delay() -> None:
    clock = _Clock()

    def call() -> None:
        thread = threading.Thread(target=clock.sleep, args=(0.004,))
        thread.start()
        thread.join()

    found = criticality_of(call, 0.004, delays=TaskDelays(clock, clock.sleep), clock=clock)
    assert found is not None
    assert found.slopes == pytest.approx([1.0] * 9)
    assert (found.tasks, found.work_s, found.delay_s) == pytest.approx((1, 0.004, 0.0004))


def test_a_call_that_does_not_wait_has_a_slope_of_0() -> None:
    own, other = _Clock(), _Clock()

    def call() -> None:
        thread = threading.Thread(target=other.sleep, args=(0.001,))
        thread.start()
        own.sleep(0.004)
        thread.join()

    found = criticality_of(call, 0.004, delays=TaskDelays(other, other.sleep), clock=own)
    assert found is not None
    assert found.slopes == pytest.approx([0.0] * 9)
    assert found.work_s == pytest.approx(0.001)


def test_what_was_patched_is_put_back_even_after_an_error() -> None:
    start, submit = threading.Thread.start, ThreadPoolExecutor.submit
    with pytest.raises(ZeroDivisionError), TaskDelays():
        raise ZeroDivisionError
    assert (threading.Thread.start, ThreadPoolExecutor.submit) == (start, submit)


def test_a_task_that_raises_is_counted_and_its_error_kept() -> None:
    with TaskDelays() as delays, ThreadPoolExecutor(1) as pool:
        with pytest.raises(ZeroDivisionError):
            pool.submit(lambda: 1 // 0).result()
        assert delays.tasks == 1
