"""One timed block of calls: the unit of measurement."""

from __future__ import annotations

import math
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from profiler.measure.device import Processor

__all__ = ["LEAST_BLOCK_S", "Block", "Clock", "Usage", "calls_for", "lead_in", "read_one", "read_usage", "timed_block"]

LEAST_BLOCK_S = Processor.least_block_s
_LONG_CALL_S = 5e-3  # fills the caches itself many times over

Clock = Callable[[], int]


@dataclass(frozen=True)
class Usage:
    """Hold what the kernel counts for this process, all threads together, and for the thread that asks.

    `thread_waits` are the times that thread gave up the processor of its own accord.
    """

    cpu_seconds: float
    minor_faults: int
    involuntary_switches: int
    thread_cpu_seconds: float = 0.0
    thread_waits: int = 0

    def since(self, before: Usage) -> Usage:
        """Give what was used since an earlier reading."""
        return Usage(
            self.cpu_seconds - before.cpu_seconds,
            self.minor_faults - before.minor_faults,
            self.involuntary_switches - before.involuntary_switches,
            self.thread_cpu_seconds - before.thread_cpu_seconds,
            self.thread_waits - before.thread_waits,
        )


@dataclass(frozen=True)
class Block:
    """Hold one block: how many calls it made, its wall time and the usage over it."""

    calls: int
    seconds: float
    usage: Usage

    @property
    def seconds_per_call(self) -> float:
        """Give the wall time of one call."""
        return self.seconds / self.calls


def read_usage() -> Usage:
    """Read the kernel's counters; see getrusage(2)."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cpu_seconds = usage.ru_utime + usage.ru_stime
    # Linux alone counts one thread's; elsewhere the process's are the nearest.
    own = resource.getrusage(getattr(resource, "RUSAGE_THREAD", resource.RUSAGE_SELF))
    return Usage(cpu_seconds, usage.ru_minflt, usage.ru_nivcsw, time.thread_time(), own.ru_nvcsw)


def read_one(output: Any) -> float:
    """Read the last element of a tensor or an array, so that no part of a call can be put off for good."""
    detached = output.detach() if hasattr(output, "detach") else output
    return float(detached[(-1,) * detached.ndim])


def _nothing() -> None:
    """Wait for no device: a call has done its work when it returns."""


def timed_block(
    call: Callable[[], Any],
    calls: int,
    *,
    clock: Clock = time.perf_counter_ns,
    usage: Callable[[], Usage] = read_usage,
    consume: Callable[[Any], object] = read_one,
    finish: Callable[[], object] = _nothing,
) -> Block:
    """Time `calls` calls in one go, the work they left to a device included; `clock` counts nanoseconds.

    `finish` waits for the device, once. An output lives until the next call has made its own, as in a user's loop.
    Garbage collection is the caller's to stop.
    """
    output = None
    before = usage()
    start = clock()
    for _ in repeat(None, calls):
        output = call()
    finish()
    end = clock()
    after = usage()
    consume(output)
    return Block(calls, (end - start) / 1e9, after.since(before))


def lead_in(
    call: Callable[[], Any], calls: int, seconds_per_call: float, finish: Callable[[], object] = _nothing
) -> None:
    """Call half as often as the block that follows will, untimed, and once at least but for calls of many milliseconds.

    Other implementations had the caches and the branch predictors since the last block. A user's loop does not leave
    them so, and neither does any other timer: without a lead-in a call of 30 us is measured some 10 % too slow.
    `finish` waits for the device, so that the block begins with nothing to do.
    """
    for _ in repeat(None, max(calls // 2, int(seconds_per_call < _LONG_CALL_S))):
        call()
    finish()


def calls_for(seconds_per_call: float, least_s: float = LEAST_BLOCK_S) -> int:
    """Give the calls that fill a block; a tenth more, so that a slightly faster block is still long enough."""
    return max(1, math.ceil(1.1 * least_s / max(seconds_per_call, 1e-9)))
