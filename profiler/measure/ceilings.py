"""Limits and unit costs of this machine, measured unprofiled in the process that measures the implementations."""

from __future__ import annotations

import mmap
import resource
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import numpy as np

from profiler.measure.device import CPU
from profiler.measure.instructions import instruction_costs
from profiler.records import Ceiling

__all__ = ["WORKING_SETS", "measure_ceilings"]

_KIB = 1024
WORKING_SETS = tuple(16 * _KIB * 4**power for power in range(7))  # 16 KiB to 64 MiB: every level of cache, and memory
_REPEATS = 5
_LEAST_TIMED_NS = 100_000
_MATRIX_SIZES = (192, 384, 640)
_FAULT_REGION = 8 * _KIB * _KIB
_CLOCK_READS = 1000
_WAIT_S = 100e-6

Clock = Callable[[], int]
Figures = tuple[float, float, float]  # value, low, high


def measure_ceilings(
    *, device: str, threads: int, process: int, clock: Clock = time.perf_counter_ns
) -> Iterator[Ceiling]:
    """Measure every ceiling, in a third of a second or so; `clock` counts nanoseconds.

    In a run on another device, what the host's memory and arithmetic do limits nothing, and is left out.
    """

    def ceiling(name: str, figures: Figures, working_set_bytes: int = 0) -> Ceiling:
        value, low, high = figures
        return Ceiling(
            name=name,
            device=device,
            threads=threads,
            process=process,
            value=value,
            low=low,
            high=high,
            working_set_bytes=working_set_bytes,
        )

    if device == CPU:
        for working_set, figures in _copy_bandwidths(clock):
            yield ceiling("copy_bandwidth", figures, working_set)
        yield ceiling("multiply_add_peak", _multiply_add_peak(clock))
    yield ceiling("page_fault", _page_fault(clock))
    yield ceiling("instruction", _spread(instruction_costs(clock)))
    yield ceiling("wait", _wait())
    yield ceiling("clock", _clock_cost(clock))


def _copy_bandwidths(clock: Clock) -> Iterator[tuple[int, Figures]]:
    """Copy half of each working set onto its other half; the cost of calling the copy is taken off."""
    largest = np.ones(max(WORKING_SETS) // 8, dtype=np.float64)
    one = largest[:1]
    call_s = median(_times(lambda: np.copyto(one, one), clock))
    for working_set in WORKING_SETS:
        half = working_set // 2 // 8
        target, source = largest[:half], largest[half : 2 * half]
        # In the smallest sets noise may exceed the difference; a tenth of the time is the least a copy can take.
        times = [max(seconds - call_s, seconds / 10) for seconds in _copy_times(target, source, clock)]
        yield working_set, _spread([working_set / seconds for seconds in times])


def _copy_times(target: Any, source: Any, clock: Clock) -> list[float]:
    return _times(lambda: np.copyto(target, source), clock)


def _multiply_add_peak(clock: Clock) -> Figures:
    """Multiply square float32 matrices of a few sizes with both libraries' BLAS, and take the best."""
    import torch

    figures: list[Figures] = []
    for size in _MATRIX_SIZES:
        left, right = np.ones((size, size), np.float32), np.ones((size, size), np.float32)
        left_tensor, right_tensor = torch.from_numpy(left), torch.from_numpy(right)
        products: tuple[Callable[[], Any], ...] = (
            lambda a=left, b=right: a @ b,  # type: ignore[misc]
            lambda a=left_tensor, b=right_tensor: a @ b,  # type: ignore[misc]
        )
        for product in products:
            figures.append(_spread([2 * size**3 / seconds for seconds in _times(product, clock)]))
    return max(figures)


def _page_fault(clock: Clock) -> Figures:
    """Touch fresh anonymous memory page by page, then again; the kernel says how many faults that made.

    Where the kernel hands out huge pages, a fault is one of those, here as in an implementation.
    """
    costs: list[float] = []
    for _ in range(3):
        with mmap.mmap(-1, _FAULT_REGION, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as region:
            pages = np.frombuffer(region, dtype=np.uint8)[:: mmap.PAGESIZE]
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
            first = _touch(pages, clock)
            faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
            again = _touch(pages, clock)
            del pages  # the region cannot be closed while an array looks at it
        costs.append(max(0.0, first - again) / max(1, faults))
    return _spread(costs)


def _touch(pages: Any, clock: Clock) -> float:
    start = clock()
    pages[:] = 1
    return (clock() - start) / 1e9


def _wait(processor: Clock = time.thread_time_ns) -> Figures:
    """Sleep, and take the processor time that entering and leaving a wait costs; most of it is the kernel's.

    It runs with interrupts off for a part, where CPU samples cannot see it.
    """
    costs: list[float] = []
    for _ in range(2 * _REPEATS):
        start = processor()
        time.sleep(_WAIT_S)
        costs.append((processor() - start) / 1e9)
    return _spread(costs)


def _clock_cost(clock: Clock) -> Figures:
    costs: list[float] = []
    for _ in range(_REPEATS):
        start = clock()
        for _ in range(_CLOCK_READS):
            clock()
            clock()
        costs.append((clock() - start) / 1e9 / _CLOCK_READS)
    return _spread(costs)


def _times(call: Callable[[], Any], clock: Clock) -> list[float]:
    """Give the seconds a call takes, a few times over, each from as many calls as can be timed well."""
    call()
    start = clock()
    call()
    calls = 1 + int(_LEAST_TIMED_NS / max(clock() - start, 50))
    times: list[float] = []
    for _ in range(_REPEATS):
        start = clock()
        for _ in range(calls):
            call()
        times.append((clock() - start) / 1e9 / calls)
    return times


def _spread(values: list[float]) -> Figures:
    return median(values), min(values), max(values)
