"""What a device's clocks do while it is measured: read from the driver after each block, told once a round.

By NVML, through the optional package `nvidia-ml-py`: a reading takes microseconds. A device of another maker, or a
machine without the package, has no readings, and the report says that clocks are not known.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from profiler.records import Clocks

__all__ = ["SLOWED_BY", "ClockWatch", "Reading", "nvml_handle", "nvml_reader"]

# What of nvmlClocksEventReasons holds the clocks below what was asked for. Source: nvml.h; the names are in our words.
SLOWED_BY = {
    0x04: "the power limit",
    0x08: "a hardware slowdown",
    0x20: "heat, by software",
    0x40: "heat, by hardware",
    0x80: "the power supply's brake",
}


@dataclass(frozen=True)
class Reading:
    """Hold one reading: MHz of the multiprocessors and of the memory, degrees, watts, and the reasons' bits."""

    clock_mhz: int
    memory_mhz: int
    celsius: int
    watts: float
    reasons: int


class ClockWatch:
    """Read a device's clocks after each block, and sum up the readings of a round."""

    def __init__(self, device: str, read: Callable[[], Reading] | None) -> None:
        self._device = device
        self._read = read
        self._readings: list[Reading] = []

    @classmethod
    def of(cls, device: str) -> ClockWatch:
        """Watch torch's current device of that name; in vain where no reader is there for it."""
        return cls(device, nvml_reader() if device == "cuda" else None)

    def look(self) -> None:
        """Read the clocks now, while the device has not cooled down yet."""
        if self._read is not None:
            self._readings.append(self._read())

    def taken(self, process: int, number: int) -> Clocks | None:
        """Give what was read since the last round; None where nothing was."""
        readings, self._readings = self._readings, []
        if not readings:
            return None
        clocks = [reading.clock_mhz for reading in readings]
        slowed = {name for reading in readings for bit, name in SLOWED_BY.items() if reading.reasons & bit}
        return Clocks(
            device=self._device,
            process=process,
            round=number,
            least_mhz=min(clocks),
            most_mhz=max(clocks),
            memory_mhz=min(reading.memory_mhz for reading in readings),
            celsius=max(reading.celsius for reading in readings),
            watts=max(reading.watts for reading in readings),
            slowed=sorted(slowed),
        )


def nvml_reader() -> Callable[[], Reading] | None:
    """Give a reader of the clocks of torch's current CUDA device; None without the package or the driver's library."""
    handle = nvml_handle()
    if handle is None:
        return None
    import pynvml

    def read() -> Reading:
        return Reading(
            clock_mhz=pynvml.nvmlDeviceGetClockInfo(handle, pynvml.NVML_CLOCK_SM),
            memory_mhz=pynvml.nvmlDeviceGetClockInfo(handle, pynvml.NVML_CLOCK_MEM),
            celsius=pynvml.nvmlDeviceGetTemperature(handle, pynvml.NVML_TEMPERATURE_GPU),
            watts=pynvml.nvmlDeviceGetPowerUsage(handle) / 1e3,
            reasons=pynvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle),
        )

    try:
        read()
    except pynvml.NVMLError:  # a part of a card (MIG) has no clocks of its own, and some drivers tell none
        return None
    return read


def nvml_handle() -> Any | None:
    """Give NVML's handle of torch's current CUDA device; None without the package or the driver's library.

    CUDA_VISIBLE_DEVICES renumbers devices for CUDA but not for NVML, so that the number does not name the card.
    """
    if find_spec("pynvml") is None:
        return None
    import pynvml
    import torch

    name = str(torch.cuda.get_device_properties(torch.cuda.current_device()).uuid)
    for kind in ("GPU", "MIG"):
        with contextlib.suppress(pynvml.NVMLError):
            pynvml.nvmlInit()
            return pynvml.nvmlDeviceGetHandleByUUID(f"{kind}-{name}")
    return None
