"""Puts CPU samples together: to the interval they fell into, equal stacks to one."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from profiler.capture.perf import PerfSample
from profiler.stacks import Frame, Stack, Stacks

__all__ = ["Interval", "collapsed"]


@dataclass(frozen=True)
class Interval:
    """Hold when calls of one thing were made, in seconds of CLOCK_MONOTONIC, and how many."""

    begin: float
    end: float
    calls: int


def collapsed(samples: Iterable[PerfSample], intervals: Sequence[Interval], thread: int) -> list[Stacks]:
    """Collect the stacks of a thread in each interval; intervals are in order and do not overlap."""
    begins = [interval.begin for interval in intervals]
    counts: list[Counter[tuple[Frame, ...]]] = [Counter() for _ in intervals]
    others = [0] * len(intervals)
    for sample in samples:
        place = bisect_right(begins, sample.moment) - 1
        if place < 0 or sample.moment > intervals[place].end:
            continue
        if sample.thread == thread:
            counts[place][sample.frames] += 1
        else:
            others[place] += 1
    return [_numbered(count, other) for count, other in zip(counts, others, strict=True)]


def _numbered(counts: Counter[tuple[Frame, ...]], others: int) -> Stacks:
    places: dict[Frame, int] = {}
    stacks = [
        Stack(count, tuple(places.setdefault(frame, len(places)) for frame in frames))
        for frames, count in counts.most_common()
    ]
    return Stacks(list(places), stacks, others)
