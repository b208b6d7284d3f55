"""Commands to an OpenCL queue, as a user would give them, and the same recorded.

A queue that measures its commands costs more than one that does not, so there are two, and the measuring one is used
only while somebody records.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from impls.opencl.device import context
from impls.opencl.recording import Recorder, listening

__all__ = ["Commands", "Launch", "current_commands"]

Sizes = tuple[int, int, int]


@dataclass(frozen=True)
class Launch:
    """Hold a kernel whose arguments are set, and how many work-groups of how many work-items it is launched with.

    Axes are columns, rows and planes; `local_bytes` is the local memory of a work-group; `buffers` are the arguments
    that must live as long.
    """

    name: str
    kernel: Any
    buffers: tuple[Any, ...]
    groups: Sizes
    local_size: Sizes
    local_bytes: int = 0

    @property
    def global_size(self) -> Sizes:
        """Count the work-items, those included that only fill up the last work-groups."""
        (x, y, z), (width, height, depth) = self.groups, self.local_size
        return x * width, y * height, z * depth


class Commands:
    """Put commands into an in-order queue. Events must be kept until `finish`: to drop that of a copy waits for it."""

    def __init__(self, queue: Any) -> None:
        import pyopencl

        self._queue = queue
        self._copy, self._launch = pyopencl.enqueue_copy, pyopencl.enqueue_nd_range_kernel

    def write(self, buffer: Any, array: Any) -> Any:
        """Copy an array to the device; gives the event."""
        return self._copy(self._queue, buffer, array, is_blocking=False)

    def launch(self, launch: Launch) -> Any:
        """Launch a kernel; gives the event."""
        return self._launch(self._queue, launch.kernel, launch.global_size, launch.local_size)

    def read(self, array: Any, buffer: Any) -> Any:
        """Copy from the device into an array; gives the event."""
        return self._copy(self._queue, array, buffer, is_blocking=False)

    def finish(self) -> None:
        """Wait until all commands have ended."""
        self._queue.finish()


class _RecordedCommands(Commands):
    """Do the same, and tell a recorder."""

    def __init__(self, queue: Any, recorder: Recorder) -> None:
        super().__init__(queue)
        self._recorder = recorder

    def write(self, buffer: Any, array: Any) -> Any:
        enqueue = partial(super().write, buffer, array)
        return self._recorder.command(
            "clEnqueueWriteBuffer", enqueue, self._queue, "host_to_device", "write", bytes=array.nbytes
        )

    def launch(self, launch: Launch) -> Any:
        return self._recorder.command(
            "clEnqueueNDRangeKernel",
            partial(super().launch, launch),
            self._queue,
            "kernel",
            launch.name,
            grid=launch.groups,
            block=launch.local_size,
            local_bytes=launch.local_bytes,
        )

    def read(self, array: Any, buffer: Any) -> Any:
        enqueue = partial(super().read, array, buffer)
        return self._recorder.command(
            "clEnqueueReadBuffer", enqueue, self._queue, "device_to_host", "read", bytes=array.nbytes
        )

    def finish(self) -> None:
        self._recorder.finish("clFinish", super().finish)


def current_commands() -> Callable[[], Commands]:
    """Make what gives the commands to use now: to a measuring queue while somebody records, else to a plain one."""
    import pyopencl

    measuring = pyopencl.command_queue_properties.PROFILING_ENABLE
    plain = Commands(pyopencl.CommandQueue(context()))
    timed = pyopencl.CommandQueue(context(), properties=measuring)

    def current() -> Commands:
        recorder = listening()
        return plain if recorder is None else _RecordedCommands(timed, recorder)

    return current
