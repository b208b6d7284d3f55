"""The device that calls compute on: how to wait for it, and how to take the time on it.

torch's own device modules (`torch.cuda`, `torch.xpu`, a backend that registers itself) share the names used here, so
that nothing below names a maker. `torch.accelerator` offers the same from torch 2.6 on without a device's name, but its
memory statistics only from 2.9 on and events that take the time not at all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

__all__ = ["CPU", "NOT_ON_DEVICE", "Accelerator", "Device", "Event", "Processor", "open_device"]

CPU = "cpu"
NOT_ON_DEVICE = "it does not compute on {}: it takes arrays or tensors of the CPU only"
_STATISTICS = ("memory_allocated", "max_memory_allocated", "reset_peak_memory_stats")


class Event(Protocol):
    """Be a mark in a device's queue of work, as `torch.cuda.Event(enable_timing=True)` is one."""

    def record(self) -> Any:
        """Put the mark behind all work enqueued so far."""

    def query(self) -> bool:
        """Say whether the device has reached the mark."""

    def elapsed_time(self, end: Any) -> float:
        """Give the milliseconds from this mark to another one, both reached."""


class Device(Protocol):
    """Say what timing a block needs of a device.

    `least_block_s` is how long a block lasts at least: long enough that what happens once in it does not matter.
    """

    name: str
    least_block_s: float

    def synchronize(self) -> None:
        """Wait until the device has done all that it was given."""


class Processor:
    """Be the CPU, which has done a call's work when the call returns."""

    name = CPU
    # Reading the clock takes some 50 ns, the loop some 20 ns a call.
    least_block_s = 1e-3

    def synchronize(self) -> None:
        """Do nothing."""


class Accelerator:
    """Be a device that works through a queue while the host goes on."""

    # Filling the queue, draining it and waiting for its end take some 20 us a block.
    least_block_s = 5e-3

    def __init__(self, name: str) -> None:
        import torch

        self.name = name
        self._module: Any = torch.get_device_module(name)

    def synchronize(self) -> None:
        """Wait until every stream of the device is empty."""
        self._module.synchronize()

    def event(self) -> Event:
        """Make a mark that takes the time."""
        made: Event = self._module.Event(enable_timing=True)
        return made

    def cache_bytes(self) -> int | None:
        """Give the size of the last cache before the device's memory; None where torch does not tell."""
        properties = getattr(self._module, "get_device_properties", None)
        size = getattr(properties(), "L2_cache_size", None) if properties is not None else None
        return int(size) if size else None

    def peak_bytes(self, call: Callable[[], Any]) -> int | None:
        """Give the largest sum of bytes that a call's tensors hold at once, by the device's caching allocator.

        None where the device keeps no such statistics. What lies there before the call does not count.
        """
        if not all(hasattr(self._module, name) for name in _STATISTICS):
            return None
        self.synchronize()
        self._module.reset_peak_memory_stats()
        before = int(self._module.memory_allocated())
        call()
        return int(self._module.max_memory_allocated()) - before


def open_device(name: str) -> Device:
    """Give a device by torch's name for it; creates nothing on it yet."""
    return Processor() if name == CPU else Accelerator(name)
