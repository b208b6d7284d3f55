"""Whether a trace of devices can be trusted: one check, one small function, all in one tuple."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from profiler.trace.device_events import DeviceActivities
from profiler.trace.integrity import Finding
from profiler.trace.launch_join import Linked, ends_before
from profiler.trace.runtime_calls import runtime_work
from profiler.units import seconds

__all__ = ["CHECKS", "Check", "device_findings"]

Check = Callable[[Linked], Iterator[str]]

_NANO = 1e-9


def file_is_whole(linked: Linked) -> Iterator[str]:
    """Say what the reader could not take."""
    yield from linked.trace.losses


def something_was_recorded(linked: Linked) -> Iterator[str]:
    """Look for a file that is read whole and tells nothing."""
    trace = linked.trace
    columns = (trace.host_calls, trace.activities, trace.ranges, trace.operators, trace.python_functions)
    if not sum(len(each) for each in columns) + len(trace.counters):
        yield "the file holds no event of a device, of its runtime, of an operator or of a marked range"


def launches_have_kernels(linked: Linked) -> Iterator[str]:
    """Look for launches whose kernels were dropped; a copy or a set of no bytes leaves none, and is no loss."""
    calls, launches = linked.trace.host_calls, linked.launches
    launching = linked.calls_doing("kernel_launches", "graph_launches")[launches.call]
    absent = launches.call[launching & ~launches.joined]
    if not len(absent):
        return
    names = dict.fromkeys(calls.name_of(int(call)) for call in absent)
    words = f"{len(absent)} of {int(launching.sum())} launches have no kernel in the trace ({', '.join(names)})"
    yield f"{words}; hardware counters were recorded in their place" if len(linked.trace.counters) else words


def work_has_a_launch(linked: Linked) -> Iterator[str]:
    """Look for kernels, copies and sets that no recorded call launched."""
    activities = linked.trace.activities
    for words, chosen in (
        ("kernels", activities.of_kind("kernel", "graph")),
        ("copies and sets", activities.of_kind("memcpy", "memset")),
    ):
        orphans = int(np.sum(chosen & (linked.call_of < 0)))
        if orphans:
            yield f"{orphans} of {int(chosen.sum())} {words} have no call that launched them"


def streams_do_one_thing_at_a_time(linked: Linked) -> Iterator[str]:
    """Look for work of one stream that overlaps by more than the clock's step."""
    activities = linked.trace.activities
    overlapping, lost = 0, 0
    for stream in _streams(activities):
        over = ends_before(stream.start_ns, stream.end_ns) - stream.start_ns
        beyond = over > linked.trace.resolution_ns
        overlapping += int(beyond.sum())
        lost += int(np.minimum(over, stream.duration_ns)[beyond].sum())
    if overlapping:
        yield f"{overlapping} pieces of work overlap another one of their stream, by {seconds(lost * _NANO)} in all"


def work_is_recorded_once(linked: Linked) -> Iterator[str]:
    """Look for rows that are the same work again."""
    activities = linked.trace.activities
    if not len(activities):
        return
    keys = np.column_stack(
        [
            activities.correlation,
            activities.device,
            activities.stream,
            activities.start_ns,
            activities.end_ns,
            activities.name_codes,
        ]
    )[activities.correlation >= 0]
    again = len(keys) - len(np.unique(keys, axis=0))
    if again:
        yield f"{again} pieces of work appear more than once"


def work_takes_time(linked: Linked) -> Iterator[str]:
    """Look for kernels of no duration, or of less, where the clock is fine enough to tell."""
    activities = linked.trace.activities
    kernels = activities.of_kind("kernel", "graph")
    negative = int(np.sum(activities.duration_ns < 0))
    if negative:
        yield f"{negative} pieces of work have a negative duration"
    empty = int(np.sum(kernels & (activities.duration_ns == 0)))
    if empty and (linked.trace.resolution_ns == 1 or empty == int(kernels.sum())):
        yield f"{empty} of {int(kernels.sum())} kernels have a duration of 0"


def work_follows_its_launch(linked: Linked) -> Iterator[str]:
    """Look for work that starts before the call that launched it: the clocks of host and device do not agree."""
    linked_rows = linked.call_of >= 0
    started = linked.trace.activities.start_ns[linked_rows]
    called = linked.trace.host_calls.start_ns[linked.call_of[linked_rows]]
    early = started < called - linked.trace.resolution_ns
    if early.any():
        most = int((called - started)[early].max())
        yield (
            f"{int(early.sum())} pieces of work start before the call that launched them, by up to "
            f"{seconds(most * _NANO)}: the clocks of host and device do not agree"
        )


def window_is_not_collapsed(linked: Linked) -> Iterator[str]:
    """Look for times that have fallen together, or for a device and a host recorded at different times."""
    activities, calls = linked.trace.activities, linked.trace.host_calls
    if len(activities) > 1 and len(np.unique(activities.start_ns)) == 1:
        yield f"all {len(activities)} pieces of work start at the same moment"
    if len(activities) and len(calls):
        apart = max(
            int(activities.start_ns.min() - calls.end_ns.max()), int(calls.start_ns.min() - activities.end_ns.max())
        )
        # Work may well run on after the last call; a pause longer than all of it is another recording's.
        if apart > int(activities.end_ns.max() - activities.start_ns.min()):
            yield f"the device's work and the host's calls lie {seconds(apart * _NANO)} apart"


def calls_are_known(linked: Linked) -> Iterator[str]:
    """Look for work that was launched by calls of names that are not known to launch."""
    calls = linked.trace.host_calls
    asked = np.unique(linked.call_of[linked.call_of >= 0])
    unknown = {name for name in (calls.name_of(int(call)) for call in asked) if runtime_work(name) is None}
    if unknown:
        yield f"work was launched by calls that are not known to launch: {', '.join(sorted(unknown))}"


CHECKS: tuple[Check, ...] = (
    file_is_whole,
    something_was_recorded,
    launches_have_kernels,
    work_has_a_launch,
    streams_do_one_thing_at_a_time,
    work_is_recorded_once,
    work_takes_time,
    work_follows_its_launch,
    window_is_not_collapsed,
    calls_are_known,
)


def device_findings(linked: Linked) -> list[Finding]:
    """Run every check; nothing found means sound."""
    return [Finding(check.__name__, text) for check in CHECKS for text in check(linked)]


def _streams(activities: DeviceActivities) -> Iterator[DeviceActivities]:
    for queue in np.unique(np.stack((activities.device, activities.stream), axis=1), axis=0):
        yield activities.where((activities.device == queue[0]) & (activities.stream == queue[1]))
