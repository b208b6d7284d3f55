"""How long launched kernels wait: from being queued by the host to being handed to the device, and until they start."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

import numpy as np

from profiler.trace.runtime_calls import RUNTIME_CATEGORIES, runtime_work
from profiler.trace.timeline import Timeline

__all__ = ["LaunchWaits", "launch_waits"]

_NANO = 1e-9


@dataclass(frozen=True)
class LaunchWaits:
    """Hold the waits of one kernel, medians over its launches within labelled calls, in seconds.

    `runtime` launched it on the device of the name `runs_on` ('' where the trace does not say); `launches` are per
    call. `call_s` is the host's call, `queued_s` from queued to submitted, `submitted_s` from submitted to started and
    `latency_s` from queued to started.
    """

    kernel: str
    runtime: str
    runs_on: str
    launches: float
    call_s: float
    queued_s: float
    submitted_s: float
    latency_s: float


def launch_waits(timeline: Timeline) -> tuple[LaunchWaits, ...]:
    """Give the waits of each kernel whose moments the trace holds, in the order in which they first start."""
    trace = timeline.trace
    timed = trace.spans & trace.timed
    in_calls = np.flatnonzero(timed & trace.in_categories(*RUNTIME_CATEGORIES) & (timeline.call_of >= 0)).tolist()
    launching = {
        int(trace.correlation[event]): event
        for event in in_calls
        if trace.correlation[event] >= 0 and runtime_work(trace.name_of(event)) == "kernel_launches"
    }
    known = timed & trace.in_categories("kernel") & (trace.queued_ns >= 0) & (trace.submitted_ns >= 0)
    kernels: dict[tuple[str, str, str], list[int]] = {}
    for event in sorted(np.flatnonzero(known).tolist(), key=lambda event: int(trace.start_ns[event])):
        launch = launching.get(int(trace.correlation[event]))
        if launch is not None:
            runtime = trace.categories[trace.category_codes[launch]].removesuffix("_runtime")
            process = trace.threads[trace.thread_codes[event]][0]
            kernels.setdefault((trace.name_of(event), runtime, trace.devices.get(process, "")), []).append(event)
    return tuple(_waits(timeline, key, events, launching) for key, events in kernels.items())


def _waits(timeline: Timeline, key: tuple[str, str, str], events: list[int], launching: dict[int, int]) -> LaunchWaits:
    trace = timeline.trace
    calls = [launching[int(trace.correlation[event])] for event in events]
    started, queued, submitted = trace.start_ns[events], trace.queued_ns[events], trace.submitted_ns[events]
    return LaunchWaits(
        *key,
        launches=len(events) / len(timeline.calls),
        call_s=median(trace.duration_ns[calls].tolist()) * _NANO,
        queued_s=median((submitted - queued).tolist()) * _NANO,
        submitted_s=median((started - submitted).tolist()) * _NANO,
        latency_s=median((started - queued).tolist()) * _NANO,
    )
