"""Calls are found by their labels, operators by time; order in the file means nothing."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from profiler.labels import CallLabel, write_label
from profiler.trace.kineto import Trace, read_trace
from profiler.trace.timeline import Timeline, labelled_calls, nest, timeline_of

Event = dict[str, Any]
MakeTrace = Callable[[list[Event]], Trace]


def call(number: int, ts: float, dur: float, **more: Any) -> Event:
    label = write_label(CallLabel("mine:f", "case", number))
    return {"cat": "user_annotation", "name": label, "ts": ts, "dur": dur, **more}


def op(name: str, ts: float, dur: float, **more: Any) -> Event:
    return {"name": name, "ts": ts, "dur": dur, **more}


EVENTS = [
    call(0, 10.5, 10),
    op("aten::conv2d", 11, 8),
    op("aten::convolution", 12, 6),
    op("aten::empty", 12.5, 1),
    op("aten::add_", 14, 2),
    op("aten::mul", 19.5, 1),
    call(1, 30, 10),
    op("aten::mul", 31, 2),
    op("aten::mul", 60, 2),
    op("aten::mul", 31, 2, tid=2),
]


def nested(timeline: Timeline) -> dict[str, tuple[str | None, int, bool, int]]:
    """Tell each operator's parent, own time, whether it is a leaf, and its call, by name and start."""
    trace, nesting = timeline.trace, timeline.nesting

    def name(position: int) -> str:
        event = int(nesting.events[position])
        thread = trace.threads[int(trace.thread_codes[event])][1]
        return f"{trace.name_of(event)}@{trace.timestamp_us[event]:g}/{thread}"

    return {
        name(position): (
            name(int(nesting.parent[position])) if nesting.parent[position] >= 0 else None,
            int(nesting.self_ns[position]),
            bool(nesting.leaf[position]),
            int(timeline.call_of[event]),
        )
        for position, event in enumerate(nesting.events)
    }


EXPECTED = {
    "aten::conv2d@11/1": (None, 2000, False, 0),
    "aten::convolution@12/1": ("aten::conv2d@11/1", 3000, False, 0),
    "aten::empty@12.5/1": ("aten::convolution@12/1", 1000, True, 0),
    "aten::add_@14/1": ("aten::convolution@12/1", 2000, True, 0),
    "aten::mul@19.5/1": (None, 1000, True, 0),
    "aten::mul@31/1": (None, 2000, True, 1),
    "aten::mul@60/1": (None, 2000, True, -1),
    "aten::mul@31/2": (None, 2000, True, -1),
}


def test_operators_are_nested_by_time_and_belong_to_the_call_around_them(make_trace: MakeTrace) -> None:
    assert nested(timeline_of(make_trace(EVENTS), "mine:f", "case")) == EXPECTED


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_events_in_the_file_means_nothing(make_trace: MakeTrace, seed: int) -> None:
    shuffled = random.Random(seed).sample(EVENTS, len(EVENTS))
    timeline = timeline_of(make_trace(shuffled), "mine:f", "case")
    assert nested(timeline) == EXPECTED
    assert [label.call for label in timeline.calls.labels] == [0, 1]


def test_calls_of_others_and_the_device_s_copies_of_a_range_are_left_out(make_trace: MakeTrace) -> None:
    other = write_label(CallLabel("mine:g", "case", 0))
    events = [
        call(0, 10, 5),
        {**call(0, 12, 5), "cat": "gpu_user_annotation", "pid": 0, "tid": 7},
        {**call(0, 12, 5), "ph": "i"},
        {"cat": "user_annotation", "name": other, "ts": 20, "dur": 5},
        {"cat": "user_annotation", "name": "somebody's range", "ts": 20, "dur": 5},
    ]
    calls = labelled_calls(make_trace(events), "mine:f", "case")
    assert calls.labels == (CallLabel("mine:f", "case", 0),)
    assert calls.start_ns.tolist() == [0]


def test_a_range_that_an_old_torch_records_as_an_operator_is_a_call_and_no_operator(make_trace: MakeTrace) -> None:
    timeline = timeline_of(
        make_trace([{**call(0, 10, 5), "cat": "Operator"}, op("aten::mul", 11, 1)]), "mine:f", "case"
    )
    assert len(timeline.calls) == 1
    assert nested(timeline) == {"aten::mul@11/1": (None, 1000, True, 0)}


def test_a_user_s_range_between_operators_does_not_part_them(make_trace: MakeTrace) -> None:
    events = [op("outer", 10, 10), {"cat": "user_annotation", "name": "mine", "ts": 11, "dur": 8}, op("inner", 12, 2)]
    nesting = nest(make_trace(events))
    assert nesting.parent.tolist() == [-1, 0]
    assert nesting.self_ns.tolist() == [8000, 2000]


def test_of_two_alike_the_first_recorded_is_outside(make_trace: MakeTrace) -> None:
    events = [op("inner", 10, 5, args={"Ev Idx": 8}), op("outer", 10, 5, args={"Ev Idx": 7})]
    trace = make_trace(events)
    nesting = nest(trace)
    assert [trace.name_of(event) for event in nesting.events] == ["outer", "inner"]
    assert nesting.parent.tolist() == [-1, 0]
    assert nesting.leaf.tolist() == [False, True]
    assert nesting.self_ns.tolist() == [0, 5000]


def test_a_neighbour_that_starts_where_another_ends_is_not_within_it(make_trace: MakeTrace) -> None:
    nesting = nest(make_trace([op("a", 10, 5), op("b", 15, 5), op("c", 20, 0)]))
    assert nesting.parent.tolist() == [-1, -1, -1]
    assert nesting.leaf.all()


def test_overlap_is_told_where_it_exceeds_the_clock_s_step(make_trace: MakeTrace) -> None:
    coarse = nest(make_trace([op("a", 10, 5), op("b", 12, 4)]))
    assert coarse.parent.tolist() == [-1, 0]
    assert coarse.self_ns.tolist() == [2000, 4000]
    assert not len(coarse.straddling)
    fine = make_trace([op("a", 10.5, 5), op("b", 12, 4)])
    assert [fine.name_of(event) for event in nest(fine).straddling] == ["b"]


def test_a_trace_without_operators_nests_to_nothing(make_trace: MakeTrace) -> None:
    timeline = timeline_of(make_trace([{"ph": "M", "name": "thread_name"}]), "mine:f", "case")
    assert len(timeline.calls) == len(timeline.nesting.events) == 0
    assert timeline.call_of.tolist() == [-1]


trees = st.recursive(st.just([]), lambda inner: st.lists(inner, max_size=4), max_leaves=25)


@given(tree=trees, seed=st.integers(0, 2**16))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_tree_of_operators_is_found_again(tmp_path: Path, tree: list[Any], seed: int) -> None:
    events: list[Event] = []

    def lay(children: list[Any], start: int) -> tuple[int, list[int]]:
        """Lay children one after the other, each with a microsecond of its own before and after what it holds."""
        names = []
        for child in children:
            own = len(events)
            events.append({})
            end, inner = lay(child, start + 1)
            events[own] = {
                "ph": "X", "cat": "cpu_op", "pid": 1, "tid": 1, "name": str(own),
                "ts": start, "dur": end + 1 - start, "inner": inner,
            }  # fmt: skip
            names.append(own)
            start = end + 1
        return start, names

    lay(tree, 1)
    shuffled = random.Random(seed).sample(events, len(events))
    path = tmp_path / "tree.json"
    path.write_text(json.dumps(shuffled))
    trace = read_trace(path)
    nesting = nest(trace)
    names = [int(trace.name_of(event)) for event in nesting.events]
    parents = {inner: own for own, event in enumerate(events) for inner in event["inner"]}
    for position, name in enumerate(names):
        parent = nesting.parent[position]
        assert (names[parent] if parent >= 0 else None) == parents.get(name)
        assert nesting.leaf[position] == (not events[name]["inner"])
    assert nesting.self_ns.sum() == 1000 * sum(event["dur"] for own, event in enumerate(events) if own not in parents)
