"""Two clocks are as far apart as every reading allows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impls.device_events import ClockReading
from profiler.capture.clock_offset import ClockOffset, clock_offset

SMALL = st.integers(0, 10_000)


def test_readings_narrow_each_other_down() -> None:
    # The offset is at least 100 and at most 140 by the first, at most 120 by the second.
    readings = [ClockReading(1100, 1000, 1140), ClockReading(2050, 2000, 2120)]
    assert clock_offset(readings) == ClockOffset(110, 10)


def test_of_readings_that_exclude_each_other_the_narrowest_counts() -> None:
    readings = [ClockReading(100, 0, 140), ClockReading(1200, 1000, 1210), ClockReading(0, 0, 1000)]
    assert clock_offset(readings) == ClockOffset(205, 5)


def test_without_a_reading_there_is_no_offset() -> None:
    with pytest.raises(ValueError, match="empty"):
        clock_offset([])


@given(st.integers(-(10**15), 10**15), st.lists(st.tuples(st.integers(0, 10**12), SMALL, SMALL), min_size=1))
def test_the_true_offset_is_within_what_is_told(true_ns: int, reads: list[tuple[int, int, int]]) -> None:
    readings = [
        ClockReading(moment + true_ns - before, moment, moment + true_ns + after) for moment, before, after in reads
    ]
    found = clock_offset(readings)
    assert abs(found.offset_ns - true_ns) <= found.within_ns
    assert found.within_ns <= min(before + after for _, before, after in reads) / 2 + 1
