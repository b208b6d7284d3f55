"""Which rounds a cell takes part in."""

from __future__ import annotations

from profiler.measure.steady import Cell, periods
from profiler.measure.subject import Subject
from profiler.records import Starting


def test_quick_cells_are_timed_in_every_round() -> None:
    assert periods([1e-3] * 50, 2.0) == [1] * 50


def test_a_slow_cell_stands_back_but_gets_three_turns() -> None:
    assert periods([*[1e-3] * 60, 0.087, 0.037], 2.0) == [*[1] * 60, 5, 2]


def test_nobody_stands_back_where_few_rounds_fit() -> None:
    assert periods([0.06] * 10, 1.0) == [1] * 10
    assert periods([0.001], 0.0) == [1]


def test_turns_come_every_period() -> None:
    starting = Starting(implementation="a", case="c", stage="steady", limit_s=0.0)
    subject = Subject(lambda: None, "enabled")
    cell = Cell("a", "", "c", "steady", subject, starting, period=3, offset=1)
    assert [number for number in range(9) if cell.has_turn(number)] == [2, 5, 8]
