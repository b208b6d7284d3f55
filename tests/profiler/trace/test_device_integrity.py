"""Each thing that makes a trace of devices unsound is named by one check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from profiler.trace.device_integrity import CHECKS, device_findings
from profiler.trace.launch_join import Linked

MakeEvent = Callable[..., dict[str, Any]]
LinkTrace = Callable[..., Linked]


def _sound(call: MakeEvent, kernel: MakeEvent) -> list[dict[str, Any]]:
    return [
        call("cudaLaunchKernel", 100.5, 2, 1),
        call("cudaLaunchKernel", 103.5, 2, 2),
        call("cudaMemsetAsync", 106.5, 2, 3),
        kernel(104.5, 10, 1),
        kernel(115.5, 10, 2),
    ]


def test_a_sound_trace_has_no_findings(link_trace: LinkTrace, call: MakeEvent, kernel: MakeEvent) -> None:
    assert device_findings(link_trace(_sound(call, kernel))) == []
    assert device_findings(link_trace([{"name": "aten::add", "ts": 1.5, "dur": 1}])) == []


_Change = Callable[[list[dict[str, Any]], MakeEvent, MakeEvent], Any]
_UNSOUND: list[tuple[str, _Change, str]] = [
    ("file_is_whole", lambda events, _, __: events.append({"ts": None}), "1 events have no timestamp"),
    ("something_was_recorded", lambda events, _, __: events.clear(), "the file holds no event of a device"),
    ("launches_have_kernels", lambda events, _, __: events.pop(), "1 of 2 launches have no kernel in the trace"),
    ("work_has_a_launch", lambda events, _, kernel: events.append(kernel(130.5, 1, 9)), "1 of 3 kernels have no call"),
    (
        "streams_do_one_thing_at_a_time",
        lambda events, _, __: events[4].update(ts=112.5),
        "1 pieces of work overlap another one of their stream, by 2.00 µs in all",
    ),
    ("work_is_recorded_once", lambda events, _, __: events.append(events[4]), "1 pieces of work appear more than once"),
    ("work_takes_time", lambda events, _, __: events[4].update(dur=0), "1 of 2 kernels have a duration of 0"),
    ("work_takes_time", lambda events, _, __: events[4].update(dur=-1), "1 pieces of work have a negative duration"),
    (
        "work_follows_its_launch",
        lambda events, _, __: events[3].update(ts=90.5),
        "1 pieces of work start before the call that launched them, by up to 10.0 µs",
    ),
    (
        "window_is_not_collapsed",
        lambda events, _, __: [event.update(ts=110.5) for event in events[3:]],
        "all 2 pieces of work start at the same moment",
    ),
    (
        "window_is_not_collapsed",
        lambda events, _, __: [event.update(ts=event["ts"] + 500) for event in events[3:]],
        "the device's work and the host's calls lie 496 µs apart",
    ),
    ("calls_are_known", lambda events, _, __: events[0].update(name="cudaFuture"), "not known to launch: cudaFuture"),
]


@pytest.mark.parametrize(("check", "change", "words"), _UNSOUND, ids=[each[0] for each in _UNSOUND])
def test_what_is_unsound_is_named(
    link_trace: LinkTrace, call: MakeEvent, kernel: MakeEvent, check: str, change: _Change, words: str
) -> None:
    events = _sound(call, kernel)
    change(events, call, kernel)
    found = [finding.text for finding in device_findings(link_trace(events)) if finding.check == check]
    assert len(found) == 1
    assert words in found[0]


def test_every_check_is_tried() -> None:
    assert {check.__name__ for check in CHECKS} == {check for check, _, _ in _UNSOUND}


def test_durations_of_0_are_no_fault_of_a_coarse_clock(
    link_trace: LinkTrace, call: MakeEvent, kernel: MakeEvent
) -> None:
    whole = [each | {"ts": int(each["ts"])} for each in _sound(call, kernel)]
    assert device_findings(link_trace([*whole[:4], whole[4] | {"dur": 0}])) == []
