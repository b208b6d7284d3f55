"""Whether a trace can be trusted: one check, one small function, all in one tuple."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from profiler.trace.timeline import Timeline

__all__ = ["CHECKS", "Check", "Finding", "findings"]


@dataclass(frozen=True)
class Finding:
    """Say what is unsound in a trace: the check's name, and the fact with its figures."""

    check: str
    text: str


Check = Callable[[Timeline, int], Iterator[str]]


def calls_are_there(timeline: Timeline, expected: int) -> Iterator[str]:
    """Look for each labelled call that was made, once."""
    seen = Counter(label.call for label in timeline.calls.labels)
    if not seen and not expected:
        yield "no labelled call was made"
    missing = [number for number in range(expected) if number not in seen]
    if missing:
        yield f"{len(missing)} of {expected} labelled calls are missing"
    repeated = sum(count > 1 for count in seen.values())
    if repeated:
        yield f"{repeated} labelled calls appear more than once"
    unknown = sum(number >= expected for number in seen)
    if unknown:
        yield f"{unknown} labelled calls appear that were not made"


def calls_are_apart(timeline: Timeline, _: int) -> Iterator[str]:
    """Look for labelled calls that overlap on one thread."""
    calls = timeline.calls
    overlapping = 0
    for thread in np.unique(calls.thread):
        here = calls.thread == thread
        overlapping += int(np.sum(calls.start_ns[here][1:] < calls.end_ns[here][:-1]))
    if overlapping:
        yield f"{overlapping} labelled calls begin before the one before has ended"


def times_are_there(timeline: Timeline, _: int) -> Iterator[str]:
    """Look for spans without a time."""
    absent = int(np.sum(timeline.trace.spans & ~timeline.trace.timed))
    if absent:
        yield f"{absent} events have no timestamp or no duration"


def times_are_possible(timeline: Timeline, _: int) -> Iterator[str]:
    """Look for times that no clock gives."""
    trace = timeline.trace
    early = int(np.sum(trace.spans & trace.timed & (trace.timestamp_us <= 0)))
    if early:
        yield f"{early} events have a timestamp of 0 or less"
    negative = int(np.sum(trace.spans & trace.timed & (trace.duration_ns < 0)))
    if negative:
        yield f"{negative} events have a negative duration"


def operators_take_time(timeline: Timeline, _: int) -> Iterator[str]:
    """Look for operators of no duration, where the clock is fine enough to see one."""
    nesting, trace = timeline.nesting, timeline.trace
    if trace.resolution_ns > 1 or not len(nesting.events):
        return
    empty = int(np.sum(trace.duration_ns[nesting.events] == 0))
    if empty:
        yield f"{empty} of {len(nesting.events)} operators have a duration of 0"


def operators_nest(timeline: Timeline, _: int) -> Iterator[str]:
    """Look for operators of one thread that overlap without one holding the other."""
    straddling = len(timeline.nesting.straddling)
    if straddling:
        yield f"{straddling} operators begin within another one and end after it"


def operators_end_within_their_call(timeline: Timeline, _: int) -> Iterator[str]:
    """Look for operators that begin within a labelled call and end after it."""
    events = timeline.nesting.events
    call = timeline.call_of[events]
    inside = call >= 0
    ends = timeline.trace.end_ns[events[inside]]
    outlasting = int(np.sum(ends > timeline.calls.end_ns[call[inside]] + timeline.trace.resolution_ns))
    if outlasting:
        yield f"{outlasting} operators end after the labelled call that they begin in"


def operators_are_in_calls(timeline: Timeline, _: int) -> Iterator[str]:
    """Look for operators in no labelled call: on another thread, or where a call's range is cut."""
    events = timeline.nesting.events
    outside = events[timeline.call_of[events] < 0]
    if not len(outside):
        return
    same_thread = np.isin(timeline.trace.thread_codes[outside], timeline.calls.thread)
    here, elsewhere = int(np.sum(same_thread)), int(np.sum(~same_thread))
    if here:
        yield f"{here} operators lie outside every labelled call"
    if elsewhere:
        yield f"{elsewhere} operators ran on threads without a labelled call and are not counted"


CHECKS: tuple[Check, ...] = (
    calls_are_there,
    calls_are_apart,
    times_are_there,
    times_are_possible,
    operators_take_time,
    operators_nest,
    operators_end_within_their_call,
    operators_are_in_calls,
)


def findings(timeline: Timeline, expected: int) -> list[Finding]:
    """Run every check on a trace that should hold `expected` labelled calls; nothing found means sound."""
    return [Finding(check.__name__, text) for check in CHECKS for text in check(timeline, expected)]
