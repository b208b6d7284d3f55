"""Delays tasks that an implementation hands to other Python threads, to learn whether its call waits for them.

C. Curtsinger and E. Berger ("Coz: Finding Code that Counts with Causal Profiling", SOSP 2015) slow down everything else
to see what speeding one thing up would bring; here the work itself is delayed, by a sleep that takes no processor from
others, and the call becomes longer only where it waits for that work.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

__all__ = ["TaskDelays"]

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class TaskDelays:
    """Be a context in which each task of another thread starts `delay_s` later, and is counted and timed.

    Tasks are threads started and functions submitted to a ThreadPoolExecutor while it lasts. `delayed_s` sums the
    delays as they really were, `work_s` the tasks' own wall time. Threads that wait for work by other means are not
    seen.
    """

    def __init__(
        self, clock: Callable[[], float] = time.perf_counter, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.delay_s = 0.0
        self.tasks = 0
        self.delayed_s = 0.0
        self.work_s = 0.0
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._submitting = threading.local()
        self._start = threading.Thread.start
        self._submit = ThreadPoolExecutor.submit

    def __enter__(self) -> TaskDelays:
        delays, start, submit = self, self._start, self._submit

        def delayed_start(thread: threading.Thread) -> None:
            if not getattr(delays._submitting, "now", False):  # a pool's own threads live on and wait for tasks
                thread.run = delays._delayed(thread.run)  # type: ignore[method-assign]
            start(thread)

        def delayed_submit(
            pool: ThreadPoolExecutor, task: Callable[..., Any], /, *args: Any, **kwargs: Any
        ) -> Future[Any]:
            delays._submitting.now = True
            try:
                return submit(pool, delays._delayed(task), *args, **kwargs)
            finally:
                delays._submitting.now = False

        threading.Thread.start = delayed_start  # type: ignore[assignment,method-assign]
        ThreadPoolExecutor.submit = delayed_submit  # type: ignore[assignment,method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        threading.Thread.start = self._start  # type: ignore[method-assign]
        ThreadPoolExecutor.submit = self._submit  # type: ignore[method-assign]

    def reset(self, delay_s: float) -> None:
        """Forget what was counted, and delay by so much from now on."""
        with self._lock:
            self.delay_s, self.tasks, self.delayed_s, self.work_s = delay_s, 0, 0.0, 0.0

    def _delayed(self, task: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
        @functools.wraps(task)
        def delayed(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
            before = self._clock()
            if self.delay_s:
                self._sleep(self.delay_s)
            begin = self._clock()
            try:
                return task(*args, **kwargs)
            finally:
                with self._lock:
                    self.tasks += 1
                    self.delayed_s += begin - before if self.delay_s else 0.0
                    self.work_s += self._clock() - begin

        return delayed
