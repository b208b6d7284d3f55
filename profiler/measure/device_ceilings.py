"""Limits and unit costs of a device, measured unprofiled by its own clock."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from itertools import repeat
from statistics import median
from typing import Any

import torch

from profiler.measure.device import Accelerator
from profiler.records import Ceiling

__all__ = ["DEVICE_WORKING_SETS", "measure_device_ceilings"]

_KIB = 1024
DEVICE_WORKING_SETS = tuple(64 * _KIB * 8**power for power in range(5))  # 64 KiB to 256 MiB: caches, and memory
_MATRIX_SIZES = (512, 1024, 4096)
_REPEATS = 5
_LEAST_TIMED_S = 1e-3
_MOST_CALLS = 200
_LAUNCHES = 200
_LONG_PRODUCT_S = 0.01

Figures = tuple[float, float, float]  # value, low, high


def measure_device_ceilings(
    device: Accelerator,
    *,
    threads: int,
    process: int,
    working_sets: tuple[int, ...] = DEVICE_WORKING_SETS,
    matrix_sizes: tuple[int, ...] = _MATRIX_SIZES,
) -> Iterator[Ceiling]:
    """Measure copy bandwidth, multiply-add peak, and what a launch and a wait cost the host."""

    def ceiling(name: str, figures: Figures, working_set_bytes: int = 0) -> Ceiling:
        value, low, high = figures
        return Ceiling(
            name=name,
            device=device.name,
            threads=threads,
            process=process,
            value=value,
            low=low,
            high=high,
            working_set_bytes=working_set_bytes,
        )

    with torch.inference_mode():
        for working_set in working_sets:
            yield ceiling("copy_bandwidth", _copy_bandwidth(device, working_set), working_set)
        yield ceiling("multiply_add_peak", _multiply_add_peak(device, matrix_sizes))
        yield ceiling("launch", _launch(device))
        yield ceiling("synchronize", _synchronize(device))


def _copy_bandwidth(device: Accelerator, working_set: int) -> Figures:
    """Copy half of a working set onto its other half."""
    half = working_set // 2 // 4
    both = torch.ones(2 * half, dtype=torch.float32, device=device.name)
    target, source = both[:half], both[half:]
    return _spread([working_set / seconds for seconds in _device_times(device, lambda: target.copy_(source))])


def _multiply_add_peak(device: Accelerator, sizes: tuple[int, ...]) -> Figures:
    """Multiply square float32 matrices of a few sizes in full precision (no TF32), and take the best."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        figures: list[Figures] = []
        for size in sizes:
            left = torch.ones((size, size), dtype=torch.float32, device=device.name)
            times = _device_times(device, functools.partial(torch.matmul, left, left))
            figures.append(_spread([2 * size**3 / seconds for seconds in times]))
            if median(times) > _LONG_PRODUCT_S:
                break  # a slow device is at its peak already
    finally:
        torch.set_float32_matmul_precision(before)
    return max(figures)


def _launch(device: Accelerator) -> Figures:
    """Take what the host needs to call torch's smallest operator in place: one launch, and its dispatch."""
    one = torch.ones(1, device=device.name)
    costs: list[float] = []
    for _ in range(_REPEATS):
        device.synchronize()
        start = time.perf_counter_ns()
        for _ in repeat(None, _LAUNCHES):
            one.add_(1.0)
        costs.append((time.perf_counter_ns() - start) / 1e9 / _LAUNCHES)
    device.synchronize()
    return _spread(costs)


def _synchronize(device: Accelerator) -> Figures:
    """Take what waiting for a device costs that has nothing left to do."""
    device.synchronize()
    costs: list[float] = []
    for _ in range(4 * _REPEATS):
        start = time.perf_counter_ns()
        device.synchronize()
        costs.append((time.perf_counter_ns() - start) / 1e9)
    return _spread(costs)


def _device_times(device: Accelerator, call: Callable[[], Any]) -> list[float]:
    """Give the seconds of a call by marks around as many as can be timed well, a few times over."""
    call()
    device.synchronize()
    once = _between(device, call, 1)
    calls = min(_MOST_CALLS, 1 + int(_LEAST_TIMED_S / max(once, 1e-7)))
    return [_between(device, call, calls) for _ in range(_REPEATS)]


def _between(device: Accelerator, call: Callable[[], Any], calls: int) -> float:
    start, end = device.event(), device.event()
    start.record()
    for _ in repeat(None, calls):
        call()
    end.record()
    device.synchronize()
    return max(start.elapsed_time(end) / 1e3 / calls, 1e-9)


def _spread(values: list[float]) -> Figures:
    return median(values), min(values), max(values)
