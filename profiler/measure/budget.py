"""How the seconds of the measure phase are divided over worker processes."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

__all__ = ["MEASURE_SHARE", "Budget"]

MEASURE_SHARE = 0.66  # of the run; captures, CPU samples, tables and report need the rest
COLD_SHARE = 0.25  # of the phase
_LEAST_SECONDS = 0.6  # a shorter process is mostly its own start
_MOST_SECONDS = 5.0  # beyond it, further processes tell more than further rounds


class Budget:
    """Count down the seconds of the phase; `clock` gives seconds.

    `later_processes` are those of the phases that follow. Their share of the run holds what such a process mostly
    takes; where preparing takes longer, by compilers for example, they will need it again, out of what is counted here.
    """

    def __init__(
        self,
        total_s: float,
        start_guess_s: float,
        clock: Callable[[], float] = time.monotonic,
        *,
        later_processes: int = 0,
    ) -> None:
        self.total_s = total_s
        self._later_processes = later_processes
        self._clock = clock
        self._started = clock()
        self._start_guess_s = start_guess_s
        self._starts: list[float] = []

    @classmethod
    def of(cls, time_s: float, done: int, planned: int, start_guess_s: float, *, later_processes: int = 0) -> Budget:
        """Give the budget of a run of `time_s` seconds, of whose planned processes some are done already."""
        left = max(0.1, 1 - done / max(1, planned))
        return cls(MEASURE_SHARE * time_s * left, start_guess_s, later_processes=later_processes)

    def left_s(self) -> float:
        """Give the seconds left, negative when overdrawn."""
        later_s = self._later_processes * max(0.0, self.start_s() - self._start_guess_s)
        return self.total_s - later_s - self._spent_s()

    def _spent_s(self) -> float:
        return self._clock() - self._started

    def cold_left_s(self) -> float:
        """Give the seconds left for cold starts."""
        return self.left_s() - (1 - COLD_SHARE) * self.total_s

    def share(self) -> float:
        """Give what share of the whole run is behind us, for the progress bar."""
        return MEASURE_SHARE * min(1.0, max(0.0, self._spent_s() / self.total_s))

    def note_start(self, seconds: float) -> None:
        """Learn how long a process took beyond the seconds it was given."""
        self._starts.append(max(0.0, seconds))

    def start_s(self) -> float:
        """Give the seconds that a process is expected to take beyond those it is given."""
        return median(self._starts) if self._starts else self._start_guess_s

    def affordable(self) -> int:
        """Count the processes that still fit at their shortest."""
        return max(0, int(self.left_s() / (self.start_s() + _LEAST_SECONDS)))

    def seconds_for_one_of(self, processes: int) -> float:
        """Give the seconds for the next of so many processes."""
        share = self.left_s() / max(1, processes) - self.start_s()
        return min(_MOST_SECONDS, max(_LEAST_SECONDS, share))
