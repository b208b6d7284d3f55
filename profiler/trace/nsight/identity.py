"""What Nsight's serialised identifiers stand for: processes, threads, and which call asked for which activity.

An identifier holds the machine, the process and the thread: bits 24 to 47 are the process, bits 0 to 23 the thread,
which are 0 where a process is meant. Source: Nsight Systems User Guide, "Serialized process and thread identifiers".
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from profiler.trace.device_events import UNKNOWN

__all__ = ["Processes", "Threads", "process_number"]

_BITS = 24
_MASK = (1 << _BITS) - 1
_CORRELATION_BITS = 32

_Integers = NDArray[np.int64]
_Codes = NDArray[np.int32]


def process_number(identifiers: _Integers) -> _Integers:
    """Give the operating system's number of each identifier's process; -1 where there is no identifier."""
    numbers: _Integers = np.where(identifiers < 0, UNKNOWN, (identifiers >> _BITS) & _MASK)
    return numbers


class Processes:
    """Number the processes of a file, so that one key says which process's correlation is meant.

    Correlations are unique in their process alone: several ranks of one program share most of them.
    """

    def __init__(self) -> None:
        self._places: dict[int, int] = {}

    def key(self, identifiers: _Integers, correlation: _Integers) -> _Integers:
        """Join process and correlation; -1 where there is no correlation, 0 being none to CUPTI."""
        known, codes = np.unique(identifiers >> _BITS, return_inverse=True)
        places = np.array([self._places.setdefault(int(each), len(self._places)) for each in known], np.int64)
        keys: _Integers = np.where(correlation > 0, places[codes] << _CORRELATION_BITS | correlation, UNKNOWN)
        return keys


class Threads:
    """Collect the threads that a file names, as (process, thread)."""

    def __init__(self) -> None:
        self._places: dict[int, int] = {}

    def codes(self, identifiers: _Integers) -> _Codes:
        """Give each identifier's place in `names`."""
        known, codes = np.unique(identifiers, return_inverse=True)
        places = np.array([self._places.setdefault(int(each), len(self._places)) for each in known], np.int32)
        found: _Codes = places[codes]
        return found

    @property
    def names(self) -> tuple[tuple[str, str], ...]:
        """Name process and thread by their numbers; '' where the file does not say."""
        return tuple(
            ("", "") if each < 0 else (str((each >> _BITS) & _MASK), str(each & _MASK)) for each in self._places
        )
