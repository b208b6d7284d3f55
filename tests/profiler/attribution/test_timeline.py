"""Budgets of runs on an accelerator: device time as it is, host time as shares of what the device leaves."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from profiler.attribution.budget import budget_of
from profiler.attribution.causes import CAUSE_IDS
from profiler.attribution.device_timeline import device_timeline
from profiler.attribution.draws import Draws
from profiler.attribution.evidence import Condition, DeviceTimeline, Evidence
from profiler.tables.device_states import DEVICE_STATES
from profiler.tables.kernels import KERNELS
from profiler.trace.device_states import BUSY, STATES

MakeEvidence = Callable[..., Evidence]


def _timeline(layout_us: float = 0.0, spread: float = 0.1, **microseconds: float) -> DeviceTimeline:
    spent = {state: microseconds.get(state, 0.0) * 1e-6 for state in STATES}
    busy = sum(spent[state] for state in BUSY)
    return DeviceTimeline(
        seconds=spent,
        ranges={state: ((1 - spread) * value, (1 + spread) * value) for state, value in spent.items()},
        busy_range=((1 - spread) * busy, (1 + spread) * busy),
        layout_s=layout_us * 1e-6,
        calls=20,
    )


def _on_gpu(evidence: Evidence, timeline: DeviceTimeline | None) -> Evidence:
    condition = dataclasses.replace(evidence.condition, device="cuda")
    return dataclasses.replace(evidence, condition=condition, timeline=timeline)


def test_the_profile_slows_the_host_and_not_the_device(make_evidence: MakeEvidence, draws: Draws) -> None:
    """Idle for 160 microseconds under the profiler beside gaps of 8, 32 of an unprofiled call: each counts a fifth."""
    timeline = _timeline(
        layout_us=4, kernel=9, copy=1, launch=40, latency=20, gap=8, synchronization=12, operator=40, runtime=4,
        python=16, allocation=8, nothing=20, overhead=100,
    )  # fmt: skip
    budget = budget_of(_on_gpu(make_evidence(total=50.0, ceilings=None or _no_ceilings()), timeline), draws)
    expected = {
        "launch": 12, "idle": 8 + 2.4, "dispatch": 8.8, "interpreter": 3.2, "allocation": 1.6, "traffic": 1 + 4,
        "arithmetic": 5, "residual": 4, "floor": 0, "autograd": 0, "threads": 0,
    }  # fmt: skip
    assert {row.cause: row.seconds * 1e6 for row in budget.rows} == pytest.approx(expected)
    assert {row.method for row in budget.rows} == {"timeline", "remainder", "none"}
    assert "the floor among it" in budget.row("arithmetic").evidence
    assert "within arithmetic" in budget.row("floor").evidence
    assert budget.row("residual").evidence == "the median less the rows above"
    assert np.ptp(budget.row("launch").replicates) > 0


def test_a_floor_is_no_arithmetic(make_evidence: MakeEvidence, draws: Draws) -> None:
    evidence = _on_gpu(make_evidence(total=50.0), _timeline(kernel=30, launch=20))
    budget = budget_of(evidence, draws)
    floor = budget.row("floor").seconds
    assert floor > 0
    assert budget.row("arithmetic").seconds == pytest.approx(30e-6 - floor)
    assert budget.row("residual").seconds == pytest.approx(0, abs=1e-12)


def test_gaps_of_a_device_that_is_the_limit_are_not_put_down_to_the_host(
    make_evidence: MakeEvidence, draws: Draws
) -> None:
    evidence = _on_gpu(make_evidence(total=50.0, ceilings=_no_ceilings()), _timeline(kernel=45, gap=6, operator=200))
    budget = budget_of(evidence, draws)
    assert budget.row("idle").seconds == pytest.approx(5e-6)
    assert budget.row("dispatch").seconds == pytest.approx(0, abs=1e-15)
    assert "5.00 µs of gaps" in budget.row("idle").evidence


def test_what_kernels_move_beyond_the_compulsory_bytes_is_traffic_and_no_arithmetic(
    make_evidence: MakeEvidence, draws: Draws
) -> None:
    nothing = ((20.0, (1, 0, 100)), (21.0, (1, 0, 100)))
    for moved, kernels in ((10_000, 40.0), (10_000_000, 40.0)):
        evidence = _on_gpu(
            make_evidence(total=50.0, counts=(9, 80_036 + moved, 100), units=nothing), _timeline(kernel=kernels)
        )
        budget = budget_of(evidence, draws)
        limit = evidence.ceilings.bandwidth(evidence.case.compulsory_bytes)
        assert limit is not None
        beyond = kernels * 1e-6 - budget.row("floor").seconds
        assert budget.row("traffic").seconds == pytest.approx(min(moved / limit.value, beyond))
        assert budget.row("arithmetic").seconds == pytest.approx(beyond - budget.row("traffic").seconds, abs=1e-15)
        assert "as modelled" in budget.row("traffic").evidence


def test_what_gradients_cost_is_in_no_state_of_the_host_too(
    make_evidence: MakeEvidence, make_effect: Callable[..., Any], draws: Draws
) -> None:
    made = make_evidence(total=50.0, ceilings=_no_ceilings(), switches=[make_effect("inference_mode", "autograd", 4.0)])
    budget = budget_of(_on_gpu(made, _timeline(kernel=10, operator=60, python=20)), draws)
    found = {cause: budget.row(cause).seconds * 1e6 for cause in ("autograd", "dispatch", "interpreter", "residual")}
    assert found == pytest.approx({"autograd": 4, "dispatch": 27, "interpreter": 9, "residual": 0}, abs=1e-9)
    assert "beside 10.0 µs of device work and 4.00 µs of gradients" in budget.row("dispatch").evidence


def test_more_device_work_than_a_call_takes_is_cut_to_it(make_evidence: MakeEvidence, draws: Draws) -> None:
    evidence = _on_gpu(make_evidence(total=50.0, ceilings=_no_ceilings()), _timeline(kernel=90, copy=10, python=5))
    budget = budget_of(evidence, draws)
    assert budget.row("arithmetic").seconds == pytest.approx(45e-6)
    assert budget.row("traffic").seconds == pytest.approx(5e-6)
    assert budget.row("interpreter").seconds == 0
    assert "more was recorded" in budget.row("launch").evidence


def test_processor_time_of_the_host_explains_nothing_on_an_accelerator(
    make_evidence: MakeEvidence, draws: Draws
) -> None:
    evidence = _on_gpu(make_evidence(samples={"interpreter": 90, "compute": 10}), None)
    budget = budget_of(evidence, draws)
    assert {row.cause for row in budget.rows if row.status != "not estimated"} == {"floor", "residual"}
    assert "no sound trace of the device" in budget.row("launch").evidence


_amounts = st.floats(min_value=0, max_value=1e5)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spent=st.dictionaries(st.sampled_from(STATES), _amounts), total=st.floats(0.1, 1e5), layout=_amounts)
def test_any_timeline_gives_a_budget_that_sums(
    make_evidence: MakeEvidence, spent: dict[Any, float], total: float, layout: float
) -> None:
    evidence = _on_gpu(make_evidence(total=total), _timeline(layout_us=layout, **spent))
    budget = budget_of(evidence, Draws(1, 100))
    assert tuple(row.cause for row in budget.rows) == CAUSE_IDS
    assert math.fsum(row.seconds for row in budget.rows) == pytest.approx(budget.seconds, rel=1e-9, abs=1e-15)
    assert all(row.seconds >= 0 for row in budget.rows if row.cause != "residual")
    assert all(np.isfinite(row.replicates).all() for row in budget.rows)


def _no_ceilings() -> Any:
    from profiler.tables.ceilings import CEILINGS

    return CEILINGS.frame([])


def test_the_busiest_device_is_gathered_with_its_layout_kernels() -> None:
    here = {"implementation": "a", "case": "c", "device": "cuda", "threads": 1}
    states = DEVICE_STATES.frame(
        {**here, "device_number": device, "stream": stream, "state": state, "calls": 7, "share_low": low,
         "share_high": 0.6, "share": 0.5, "seconds": seconds if state in ("kernel", "python") else 0.0}
        for device, stream, seconds, low in ((0, "all", 1.0, 0.4), (1, "all", 2.0, 0.4), (1, "7", 9.0, 0.4))
        for state in STATES
    )  # fmt: skip
    nothing = dict.fromkeys(column.name for column in KERNELS.columns)
    kernels = KERNELS.frame(
        {**nothing, **here, "device_number": device, "kind": kind, "device_s": seconds}
        for device, kind, seconds in ((1, "layout", 0.5), (1, "compute", 1.5), (0, "layout", 9.0))
    )
    found = device_timeline(states, kernels, "a", Condition("c", "cuda", 2))
    assert found is not None
    assert (found.seconds["kernel"], found.seconds["python"], found.layout_s, found.calls) == (2.0, 2.0, 0.5, 7)
    assert found.ranges["python"] == pytest.approx((1.6, 2.4))
    assert device_timeline(states, kernels, "another", Condition("c", "cuda", 1)) is None
