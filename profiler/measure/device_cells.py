"""Which figures of a device are taken of a call, with how many calls a block, and what is done where one fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from profiler.measure.blocks import Block
from profiler.measure.device import Accelerator, Device
from profiler.measure.device_times import (
    BEHIND_A_QUEUE,
    Filler,
    Queued,
    isolated_block,
    queued_block,
    separate_block,
)
from profiler.records import Mode

__all__ = ["DeviceCells", "Taken"]

_MOST_QUEUED = 64  # a driver takes some thousand launches before it makes the host wait
_TOO_SLOW_S = 0.05  # of a call: many launches, which no queue holds
_LEAD = 2.0  # over what enqueueing is expected to take
_MOST_LEAD_S = 0.5
_TRIES = 3


@dataclass(frozen=True)
class Taken:
    """Hold a block, None where it means nothing and `reason` says why; and with what the next one is to be tried."""

    block: Block | None
    calls: int
    lead_s: float
    reason: str = ""


class DeviceCells:
    """Take the figures of one device; of the CPU, which has no queue, there are none."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._filler: Filler | None = None

    def modes(self, calls: int, seconds: float) -> Iterator[tuple[Mode, int, float]]:
        """Give what is timed of a call of so many seconds, whose steady block makes so many: mode, calls, lead."""
        if not isinstance(self._device, Accelerator):
            return
        yield "latency", calls, 0.0
        if seconds <= _TOO_SLOW_S:
            few = min(calls, _MOST_QUEUED)
            for mode in BEHIND_A_QUEUE:
                yield mode, few, _LEAD * few * seconds

    def take(self, mode: Mode, call: Callable[[], Any], calls: int, lead_s: float) -> Taken:
        """Time one block of a figure; where the host did not run ahead, again with fewer calls and more work before."""
        assert isinstance(self._device, Accelerator)  # noqa: S101 - `modes` gave none else
        if mode == "latency":
            return Taken(isolated_block(self._device, call, calls), calls, lead_s)
        for _ in range(_TRIES):
            queued = self._queued(mode, call, calls, lead_s)
            if queued.ahead:
                return Taken(queued.block, calls, lead_s)
            lead_s, calls = min(_MOST_LEAD_S, max(2 * lead_s, _LEAD * queued.host_s)), max(1, calls // 2)
        return Taken(None, calls, lead_s, f"the host did not run ahead of the device, so there is no figure `{mode}`")

    def _queued(self, mode: Mode, call: Callable[[], Any], calls: int, lead_s: float) -> Queued:
        assert isinstance(self._device, Accelerator)  # noqa: S101 - `modes` gave none else
        self._filler = self._filler or Filler(self._device)
        if mode == "device_only":
            return queued_block(self._device, self._filler, call, calls, lead_s)
        return separate_block(self._device, self._filler, call, calls, lead_s, flush=mode == "cache_flushed")
