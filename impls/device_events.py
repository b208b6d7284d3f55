"""What a device did while an implementation's calls were recorded, as the implementation itself can tell it.

torch's profiler sees the devices that torch drives. An implementation that drives one by a runtime of its own offers a
`DeviceEventSource`, and what it gives is put into the trace of its calls.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["ActivityKind", "ClockReading", "DeviceActivity", "DeviceEventSource", "DeviceEvents", "HostCall"]

ActivityKind = Literal["kernel", "host_to_device", "device_to_host"]


@dataclass(frozen=True)
class HostCall:
    """Hold one call of the runtime on the host: its name, and when it began and ended by `time.perf_counter_ns`.

    `correlation` is unique in a recording; the activity that the call asked for has the same.
    """

    name: str
    correlation: int
    begin_ns: int
    end_ns: int


@dataclass(frozen=True)
class DeviceActivity:
    """Hold one kernel or copy, its four moments in ns by the device's own clock.

    `queued_ns` is when the runtime took the command from the host, `submitted_ns` when it handed it to the device.
    `grid` counts work-groups (blocks), `block` work-items in one (threads), each over three axes, and `local_bytes`
    their local (shared) memory, for kernels; `bytes` is what a copy moved.
    """

    kind: ActivityKind
    name: str
    correlation: int
    stream: int
    queued_ns: int
    submitted_ns: int
    start_ns: int
    end_ns: int
    grid: tuple[int, int, int] = (0, 0, 0)
    block: tuple[int, int, int] = (0, 0, 0)
    local_bytes: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class ClockReading:
    """Hold a moment by one clock, and moments by another one before and after it; all in ns."""

    before_ns: int
    moment_ns: int
    after_ns: int


@dataclass
class DeviceEvents:
    """Hold what one recording saw; `runtime` is the runtime's name in a word, `device` the device's in its own.

    `clock` holds moments of the device's clock, at least one, between moments of `time.perf_counter_ns`.
    """

    runtime: str
    device: str
    clock: list[ClockReading]
    host_calls: list[HostCall] = field(default_factory=list)
    activities: list[DeviceActivity] = field(default_factory=list)


# Calls made within the context are recorded; what it gives is complete once the context is left.
DeviceEventSource = Callable[[], AbstractContextManager[DeviceEvents]]
