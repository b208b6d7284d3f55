"""Each check finds its fault and nothing else does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from profiler.labels import CallLabel, write_label
from profiler.trace.integrity import CHECKS, findings
from profiler.trace.kineto import Trace
from profiler.trace.timeline import timeline_of

Event = dict[str, Any]
MakeTrace = Callable[[list[Event]], Trace]


def call(number: int, ts: float, dur: float) -> Event:
    label = write_label(CallLabel("mine:f", "case", number))
    return {"cat": "user_annotation", "name": label, "ts": ts, "dur": dur}


SOUND = [call(0, 10.5, 10), {"ts": 11, "dur": 5}, {"ts": 12, "dur": 2}, call(1, 30, 10), {"ts": 31, "dur": 2}]

FAULTS: dict[str, tuple[list[Event], str]] = {
    "calls_are_there": ([*SOUND[:3]], "1 of 2 labelled calls are missing"),
    "calls_are_apart": ([*SOUND[:3], call(1, 20, 20)], "begin before the one before has ended"),
    "times_are_there": ([*SOUND, {"ts": 13}], "1 events have no timestamp or no duration"),
    "times_are_possible": ([*SOUND, {"cat": "kernel", "ts": 0, "dur": 1}], "timestamp of 0 or less"),
    "operators_take_time": ([*SOUND, {"ts": 13, "dur": 0}], "1 of 4 operators have a duration of 0"),
    "operators_nest": ([*SOUND, {"ts": 15, "dur": 3}], "1 operators begin within another one and end after it"),
    "operators_end_within_their_call": ([*SOUND, {"ts": 39, "dur": 3}], "1 operators end after the labelled call"),
    "operators_are_in_calls": ([*SOUND, {"ts": 60, "dur": 3}], "1 operators lie outside every labelled call"),
}


def test_a_sound_trace_has_no_findings(make_trace: MakeTrace) -> None:
    assert findings(timeline_of(make_trace(SOUND), "mine:f", "case"), 2) == []


def test_every_check_has_a_fault_here() -> None:
    assert [check.__name__ for check in CHECKS] == list(FAULTS)


@pytest.mark.parametrize("check", FAULTS)
def test_a_fault_is_found_by_its_check_alone(make_trace: MakeTrace, check: str) -> None:
    events, words = FAULTS[check]
    found = findings(timeline_of(make_trace(events), "mine:f", "case"), 2)
    assert [finding.check for finding in found] == [check]
    assert words in found[0].text


def test_negative_durations_are_found(make_trace: MakeTrace) -> None:
    found = findings(timeline_of(make_trace([*SOUND, {"cat": "kernel", "ts": 13, "dur": -1}]), "mine:f", "case"), 2)
    assert [finding.text for finding in found] == ["1 events have a negative duration"]


def test_calls_that_appear_twice_or_were_not_made_are_found(make_trace: MakeTrace) -> None:
    timeline = timeline_of(make_trace([call(0, 10.5, 1), call(0, 20, 1), call(5, 30, 1)]), "mine:f", "case")
    assert [finding.text for finding in findings(timeline, 1)] == [
        "1 labelled calls appear more than once",
        "1 labelled calls appear that were not made",
    ]


def test_a_trace_of_no_calls_is_not_sound(make_trace: MakeTrace) -> None:
    found = findings(timeline_of(make_trace([]), "mine:f", "case"), 0)
    assert [finding.text for finding in found] == ["no labelled call was made"]


def test_operators_on_other_threads_are_told_apart(make_trace: MakeTrace) -> None:
    found = findings(timeline_of(make_trace([*SOUND, {"ts": 12, "dur": 3, "tid": 2}]), "mine:f", "case"), 2)
    assert [finding.text for finding in found] == [
        "1 operators ran on threads without a labelled call and are not counted"
    ]


def test_whole_microseconds_may_round_a_duration_to_0(make_trace: MakeTrace) -> None:
    events = [call(0, 10, 10), {"ts": 11, "dur": 0}]
    assert findings(timeline_of(make_trace(events), "mine:f", "case"), 1) == []
