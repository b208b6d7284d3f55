"""Records what the host asked of OpenCL and when the device did it, from the events of a queue that measures.

https://registry.khronos.org/OpenCL/specs/3.0-unified/html/OpenCL_API.html, section 5.14: an event's four times are by
the device's clock. The pair of clocks that OpenCL 2.1 reads together is optional, and PoCL has not got it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from impls.device_events import ActivityKind, ClockReading, DeviceActivity, DeviceEvents, HostCall
from impls.opencl.device import context, device_name

__all__ = ["Recorder", "device_events", "listening"]


@dataclass
class _Command:
    """Hold a command's event, the host's call that queued it, when the host knew it to have ended, and its activity."""

    event: Any
    call: HostCall
    activity: Callable[..., DeviceActivity]
    known_ended_ns: int = -1


class Recorder:
    """Collect host calls, and the events of commands, whose times are read when all have ended."""

    def __init__(self) -> None:
        self._host_calls: list[HostCall] = []
        self._commands: list[_Command] = []
        self._streams: dict[int, int] = {}

    def command(
        self, name: str, enqueue: Callable[[], Any], queue: Any, kind: ActivityKind, what: str, **details: Any
    ) -> Any:
        """Put a command, `what` it is called on the device, into a queue, and follow it; give its event."""
        event = self._called(name, enqueue)
        call = self._host_calls[-1]
        stream = self._streams.setdefault(queue.int_ptr, len(self._streams))
        activity = partial(DeviceActivity, kind=kind, name=what, correlation=call.correlation, stream=stream, **details)
        self._commands.append(_Command(event, call, activity))
        return event

    def finish(self, name: str, function: Callable[[], Any]) -> None:
        """Wait for all commands so far."""
        self._called(name, function)
        for command in reversed(self._commands):
            if command.known_ended_ns >= 0:
                break
            command.known_ended_ns = self._host_calls[-1].end_ns

    def write_to(self, events: DeviceEvents) -> None:
        """Hand over what was recorded, once all commands have ended, with what it tells of the clocks."""
        events.host_calls.extend(self._host_calls)
        for command in self._commands:
            call, moments = command.call, command.event.profile
            events.activities.append(
                command.activity(
                    queued_ns=moments.queued,
                    submitted_ns=moments.submit,
                    start_ns=moments.start,
                    end_ns=moments.end,
                )
            )
            events.clock.append(ClockReading(call.begin_ns, moments.queued, call.end_ns))
            events.clock.append(ClockReading(call.begin_ns, moments.end, command.known_ended_ns))

    def _called(self, name: str, function: Callable[[], Any]) -> Any:
        begin = time.perf_counter_ns()
        result = function()
        end = time.perf_counter_ns()
        self._host_calls.append(HostCall(name, len(self._host_calls) + 1, begin, end))
        return result


_CLOCK_READINGS = 20

_recorder: Recorder | None = None


def listening() -> Recorder | None:
    """Give the recorder that listens now; None where nobody records."""
    return _recorder


@contextmanager
def device_events() -> Iterator[DeviceEvents]:
    """Record all OpenCL commands of this process within this context."""
    global _recorder  # noqa: PLW0603 - calls are made without arguments
    events, recorder = DeviceEvents("opencl", device_name(), _clock_readings()), Recorder()
    before, _recorder = _recorder, recorder
    try:
        yield events
    finally:
        _recorder = before
    recorder.write_to(events)


def _clock_readings() -> list[ClockReading]:
    """Read the device's clock by commands that do nothing: one is queued within the call that queues it."""
    import pyopencl

    measuring = pyopencl.command_queue_properties.PROFILING_ENABLE
    queue = pyopencl.CommandQueue(context(), properties=measuring)
    readings = []
    for _ in range(_CLOCK_READINGS):
        before = time.perf_counter_ns()
        event = pyopencl.enqueue_marker(queue)
        after = time.perf_counter_ns()
        queue.finish()
        readings.append(ClockReading(before, event.profile.queued, after))
    return readings
