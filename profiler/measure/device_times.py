"""Times of calls on a device that works through a queue: figures beside the steady state, never mixed with it.

The steady state times many calls and one wait at their end. Here each call is waited for (`latency`), or the device's
own clock is read behind a queue that is filled first, so that the host's work is hidden (`device_only`, `cache_warm`,
`cache_flushed`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from profiler.measure.blocks import Block, Clock, Usage, read_one, read_usage
from profiler.measure.device import Accelerator
from profiler.records import DeviceMode, Mode

__all__ = ["BEHIND_A_QUEUE", "DEVICE_MODES", "Filler", "Queued", "isolated_block", "queued_block", "separate_block"]

BEHIND_A_QUEUE: tuple[DeviceMode, ...] = ("device_only", "cache_warm", "cache_flushed")
DEVICE_MODES: tuple[Mode, ...] = ("latency", *BEHIND_A_QUEUE)

_UNKNOWN_CACHE = 64 << 20  # larger than that of most devices
_CALIBRATION_PASSES = 8


@dataclass(frozen=True)
class Queued:
    """Hold a block timed by the device's clock, what enqueueing it took, and whether the host was done first.

    `ahead` is false where the device reached the first call before the last was enqueued: it may have waited between
    calls, and the time is then no time of the device alone.
    """

    block: Block
    host_s: float
    ahead: bool


class Filler:
    """Keep a device busy and its cache full of other data, by passes over a buffer twice as large as its last cache."""

    def __init__(self, device: Accelerator) -> None:
        import torch

        self._device = device
        size = 2 * (device.cache_bytes() or _UNKNOWN_CACHE)
        # Made under inference mode, it could not be written to around calls that run with gradients.
        with torch.inference_mode(mode=False):
            self._buffer = torch.ones(size // 4, dtype=torch.float32, device=device.name)
        self.pass_s = self._calibrated()

    def passes(self, number: int) -> None:
        """Enqueue so many passes, each reading and writing the whole buffer."""
        for _ in repeat(None, number):
            self._buffer.add_(1.0)

    def fill(self, seconds: float) -> None:
        """Enqueue work that keeps the device busy for so many seconds at least."""
        self.passes(1 + math.ceil(seconds / max(self.pass_s, 1e-9)))

    def _calibrated(self) -> float:
        self.passes(2)
        self._device.synchronize()
        start, end = self._device.event(), self._device.event()
        self.passes(1)  # the host gets ahead
        start.record()
        self.passes(_CALIBRATION_PASSES)
        end.record()
        self._device.synchronize()
        return start.elapsed_time(end) / 1e3 / _CALIBRATION_PASSES


def isolated_block(
    device: Accelerator, call: Callable[[], Any], calls: int, *, clock: Clock = time.perf_counter_ns
) -> Block:
    """Time each of `calls` calls with its own wait for the device; `clock` counts nanoseconds."""
    device.synchronize()
    spent, output = 0, None
    before = read_usage()
    for _ in repeat(None, calls):
        start = clock()
        output = call()
        device.synchronize()
        spent += clock() - start
    used = read_usage().since(before)
    read_one(output)
    return Block(calls, spent / 1e9, used)


def queued_block(device: Accelerator, filler: Filler, call: Callable[[], Any], calls: int, lead_s: float) -> Queued:
    """Time `calls` calls in one go by marks around them, behind work of `lead_s` seconds."""
    start, end = device.event(), device.event()

    def enqueue() -> Any:
        start.record()
        output = None
        for _ in repeat(None, calls):
            output = call()
        end.record()
        return output

    used, host_s, ahead = _behind(device, filler, lead_s, enqueue)
    return Queued(Block(calls, start.elapsed_time(end) / 1e3, used), host_s, ahead)


def separate_block(
    device: Accelerator, filler: Filler, call: Callable[[], Any], calls: int, lead_s: float, *, flush: bool
) -> Queued:
    """Time each of `calls` calls by marks of its own, behind work of `lead_s` seconds.

    Each follows a call, so that its data is in the cache as far as that holds it; with `flush`, a pass over the
    filler's buffer, which puts other data there.
    """
    marks = [(device.event(), device.event()) for _ in range(calls)]

    def enqueue() -> Any:
        output = call()
        for start, end in marks:
            if flush:
                filler.passes(1)
            start.record()
            output = call()
            end.record()
        return output

    used, host_s, ahead = _behind(device, filler, lead_s, enqueue)
    seconds = math.fsum(start.elapsed_time(end) for start, end in marks) / 1e3
    return Queued(Block(calls, seconds, used), host_s, ahead)


def _behind(
    device: Accelerator, filler: Filler, lead_s: float, enqueue: Callable[[], Any]
) -> tuple[Usage, float, bool]:
    """Enqueue behind a filled queue, and wait; give the usage, the seconds it took, and whether the host was ahead."""
    device.synchronize()
    reached = device.event()
    before = read_usage()
    filler.fill(lead_s)
    reached.record()
    begin = time.perf_counter_ns()
    output = enqueue()
    host_s = (time.perf_counter_ns() - begin) / 1e9
    ahead = not reached.query()
    device.synchronize()
    used = read_usage().since(before)
    read_one(output)
    return used, host_s, ahead
