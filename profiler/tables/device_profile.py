"""What one trace says of one call's work on a device, from its labelled calls alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from profiler.trace.device_events import COPY_DIRECTIONS
from profiler.trace.device_states import StateTimes, state_times
from profiler.trace.kernels import KernelGroup, kernel_groups
from profiler.trace.labelled_windows import LabelledWindows, labelled_windows
from profiler.trace.launch_join import Linked

__all__ = ["DeviceProfile", "profile_device"]

_NANO = 1e-9


@dataclass(frozen=True)
class DeviceProfile:
    """Hold what labelled calls did on devices.

    `kernels` and `states` are of all calls together. `kernel_runs`, `queue_depth` and the bytes are means per call;
    `exposed_launch_s` is that of one launch after the other, per call.
    """

    calls: int
    kernels: tuple[KernelGroup, ...]
    states: tuple[StateTimes, ...]
    kernel_runs: float
    exposed_launch_s: float
    queue_depth: float
    d2d_bytes: float
    set_bytes: float


def profile_device(
    linked: Linked, implementation: str, case: str, *, recorder_waits: bool = False
) -> DeviceProfile | None:
    """Sum up what labelled calls did on devices; None where no call is labelled or nothing ran on a device.

    `recorder_waits` says that whoever recorded waited for the device at the end of each call, which is no part of it.
    """
    calls = labelled_windows(linked, implementation, case)
    inside = calls.call_of_activity >= 0
    if not len(calls) or not inside.any():
        return None
    activities = linked.trace.activities
    launches = linked.launches
    launched = launches.joined & (calls.call_of_host_call[launches.call] >= 0)
    return DeviceProfile(
        calls=len(calls),
        kernels=tuple(kernel_groups(linked, inside)),
        states=state_times(linked, calls.windows, _last_waits(linked, calls) if recorder_waits else None),
        kernel_runs=float(np.sum(activities.of_kind("kernel") & inside)) / len(calls),
        exposed_launch_s=float(launches.exposed_ns[launched].sum()) * _NANO / len(calls),
        queue_depth=float(np.mean(launches.queue_depth[launched])) if launched.any() else np.nan,
        d2d_bytes=_moved(linked, calls, activities.direction_codes == COPY_DIRECTIONS.index("d2d")),
        set_bytes=_moved(linked, calls, activities.of_kind("memset")),
    )


def _last_waits(linked: Linked, calls: LabelledWindows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the last wait for the device in each call."""
    waits = np.flatnonzero(linked.calls_doing("synchronizations") & (calls.call_of_host_call >= 0))
    waits = waits[np.lexsort((linked.trace.host_calls.start_ns[waits], calls.call_of_host_call[waits]))]
    call = calls.call_of_host_call[waits]
    last = waits[np.append(call[1:] != call[:-1], True)] if len(waits) else waits
    return linked.trace.host_calls.start_ns[last], linked.trace.host_calls.end_ns[last]


def _moved(linked: Linked, calls: LabelledWindows, chosen: NDArray[np.bool_]) -> float:
    """Sum the bytes of some activities per call; NaN where one's are not known."""
    moved = linked.trace.activities.bytes[chosen & (calls.call_of_activity >= 0)]
    return float(moved.sum()) / len(calls) if (moved >= 0).all() else np.nan
