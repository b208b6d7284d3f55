"""One timed block, with a clock of our own."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
import torch

from profiler.measure.blocks import LEAST_BLOCK_S, Usage, calls_for, lead_in, read_one, read_usage, timed_block


def test_a_block_is_timed_around_its_calls_and_nothing_else() -> None:
    events: list[str] = []
    ticks = itertools.count(1_000, 6_000)

    def clock() -> int:
        events.append("clock")
        return next(ticks)

    def usage() -> Usage:
        events.append("usage")
        seen = events.count("usage")
        return Usage(0.25 * seen, 10 * seen, seen, 0.125 * seen, 2 * seen)

    def call() -> str:
        events.append("call")
        return f"output {events.count('call')}"

    consumed: list[object] = []
    block = timed_block(call, 3, clock=clock, usage=usage, consume=consumed.append)
    assert events == ["usage", "clock", "call", "call", "call", "clock", "usage"]
    assert consumed == ["output 3"]
    assert (block.calls, block.seconds, block.seconds_per_call) == (3, 6e-6, 2e-6)
    assert block.usage == Usage(0.25, 10, 1, 0.125, 2)


@pytest.mark.parametrize(
    ("calls", "seconds", "before"), [(1, 0.02, 0), (1, 2e-3, 1), (2, 1e-3, 1), (11, 1e-4, 5), (3, 0.02, 1)]
)
def test_half_a_block_leads_in_and_one_call_at_least_unless_it_is_long(calls: int, seconds: float, before: int) -> None:
    made: list[None] = []
    lead_in(lambda: made.append(None), calls, seconds)
    assert len(made) == before


@pytest.mark.parametrize(("seconds", "calls"), [(1e-6, 1101), (5e-4, 3), (1.0, 1)])
def test_calls_fill_a_block(seconds: float, calls: int) -> None:
    assert calls_for(seconds) == calls
    assert calls * seconds >= LEAST_BLOCK_S


def test_one_element_is_read_whatever_the_output_is() -> None:
    values = np.arange(6.0, dtype=np.float32).reshape(1, 1, 2, 3)
    assert read_one(values) == 5.0
    assert read_one(torch.from_numpy(values)) == 5.0
    assert read_one(torch.from_numpy(values).requires_grad_()) == 5.0


def test_usage_counts_this_process() -> None:
    before = read_usage()
    pages = np.ones(1 << 20)
    after = read_usage()
    assert pages[-1] == 1.0
    assert after.minor_faults > before.minor_faults
    assert after.cpu_seconds >= before.cpu_seconds


def test_usage_counts_the_waits_of_the_thread_that_asks() -> None:
    before = read_usage()
    time.sleep(1e-3)
    after = read_usage()
    assert after.thread_waits > before.thread_waits
