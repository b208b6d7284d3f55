"""How seconds are divided, with a clock of our own."""

from __future__ import annotations

import pytest

from profiler.measure.budget import MEASURE_SHARE, Budget


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_seconds_are_shared_over_the_processes_that_are_left() -> None:
    clock = Clock()
    budget = Budget(60.0, 2.0, clock)
    assert budget.left_s() == 60.0
    assert budget.cold_left_s() == 15.0
    clock.now += 15.0
    assert budget.cold_left_s() == 0.0
    assert budget.seconds_for_one_of(10) == pytest.approx(2.5)
    assert budget.share() == pytest.approx(MEASURE_SHARE * 0.25)
    assert budget.affordable() == int(45 / 2.6)


def test_the_start_of_a_process_is_learnt() -> None:
    clock = Clock()
    budget = Budget(20.0, 2.0, clock)
    for seconds in (1.0, 1.5, 9.0):
        budget.note_start(seconds)
    assert budget.start_s() == 1.5
    assert budget.seconds_for_one_of(4) == pytest.approx(3.5)


def test_what_later_processes_will_prepare_is_kept_for_them() -> None:
    clock = Clock()
    budget = Budget(60.0, 2.0, clock, later_processes=3)
    assert budget.left_s() == 60.0
    budget.note_start(1.5)  # no longer than their share allows for
    assert budget.left_s() == 60.0
    budget.note_start(22.5)
    clock.now += 6.0
    assert budget.start_s() == 12.0
    assert budget.left_s() == 60.0 - 6.0 - 3 * 10.0
    assert budget.affordable() == 1
    assert budget.share() == pytest.approx(MEASURE_SHARE * 0.1)


def test_a_process_gets_neither_too_little_nor_too_much() -> None:
    clock = Clock()
    budget = Budget(100.0, 2.0, clock)
    assert budget.seconds_for_one_of(2) == 5.0
    clock.now += 500.0
    assert budget.seconds_for_one_of(2) == 0.6
    assert budget.affordable() == 0
    assert budget.share() == MEASURE_SHARE


def test_a_resumed_run_gets_the_part_that_is_missing() -> None:
    assert Budget.of(80.0, done=0, planned=15, start_guess_s=2.0).total_s == pytest.approx(80.0 * MEASURE_SHARE)
    assert Budget.of(80.0, done=10, planned=15, start_guess_s=2.0).total_s == pytest.approx(80.0 * MEASURE_SHARE / 3)
    assert Budget.of(80.0, done=15, planned=15, start_guess_s=2.0).total_s == pytest.approx(8.0 * MEASURE_SHARE)
