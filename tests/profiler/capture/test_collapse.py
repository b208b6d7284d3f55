"""Samples go to the interval they fell into; equal stacks become one."""

from __future__ import annotations

from profiler.capture.collapse import Interval, collapsed
from profiler.capture.perf import PerfSample
from profiler.stacks import Frame, Stack, Stacks

_A, _B = Frame("a", "x.so"), Frame("b", "x.so")


def test_samples_are_counted_by_interval_thread_and_stack() -> None:
    samples = [
        PerfSample(1, 0.5, (_A,)),
        PerfSample(1, 1.0, (_A, _B)),
        PerfSample(1, 1.5, (_A, _B)),
        PerfSample(1, 2.0, (_B,)),
        PerfSample(2, 1.5, (_A,)),
        PerfSample(1, 2.5, (_A,)),
        PerfSample(1, 3.5, (_B, _A)),
        PerfSample(1, 9.0, (_A,)),
    ]
    assert collapsed(samples, [Interval(1.0, 2.0, 7), Interval(3.0, 4.0, 1)], thread=1) == [
        Stacks([_A, _B], [Stack(2, (0, 1)), Stack(1, (1,))], others=1),
        Stacks([_B, _A], [Stack(1, (0, 1))], others=0),
    ]
    assert collapsed([], [Interval(0.0, 1.0, 1)], thread=1) == [Stacks([], [], 0)]
