"""How much of the work in other threads a call waits for: the slope of its time in a delay of that work."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

from profiler.measure.blocks import calls_for
from profiler.measure.delays import TaskDelays

__all__ = ["Criticality", "criticality_of"]

_ROUNDS = 9
_DELAY_SHARE = 0.1  # of the call: small beside the work, so that what is hidden stays hidden
_LEAST_DELAY_S = 100e-6  # shorter sleeps are as long as the kernel likes
_MOST_DELAY_S = 2e-3


@dataclass(frozen=True)
class Criticality:
    """Hold what delaying the tasks of a call did: per call their number, their own seconds, the delay added to each.

    `slopes` are, round by round, the seconds that the call became longer over those that one task was delayed by: 0
    where the call waits for none of them, 1 where it waits for a chain of one, their number where they follow one
    another.
    """

    tasks: float
    work_s: float
    delay_s: float
    slopes: tuple[float, ...]

    @property
    def slope(self) -> float:
        """Give the median slope."""
        return median(self.slopes)


def criticality_of(
    call: Callable[[], Any],
    seconds_per_call: float,
    *,
    delays: TaskDelays | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Criticality | None:
    """Delay the tasks of a call in every other block; None where it hands none to other threads.

    Rounds alternate, so that a drift of the machine is in both blocks of a round.
    """
    with delays or TaskDelays() as tasks:
        call()
        if not tasks.tasks:
            return None
        delay_s = min(_MOST_DELAY_S, max(_LEAST_DELAY_S, _DELAY_SHARE * seconds_per_call))
        calls = calls_for(seconds_per_call)
        slopes, work, delayed = [], [], []
        for _ in range(_ROUNDS):
            tasks.reset(0.0)
            plain = _seconds(call, calls, clock)
            work.append(tasks.work_s / calls)
            tasks.reset(delay_s)
            longer = _seconds(call, calls, clock)
            real = tasks.delayed_s / max(1, tasks.tasks)
            delayed.append(real)
            slopes.append((longer - plain) / real if real else 0.0)
        return Criticality(tasks.tasks / calls, median(work), median(delayed), tuple(slopes))


def _seconds(call: Callable[[], Any], calls: int, clock: Callable[[], float]) -> float:
    start = clock()
    for _ in range(calls):
        call()
    return (clock() - start) / calls
