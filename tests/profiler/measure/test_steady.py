"""Which rounds a cell takes part in, and how long the steps before them may take."""

from __future__ import annotations

import os
from collections.abc import Callable

from impls.compiled.compiler import COMPILE_LIMIT_S
from profiler.isolation import RecordPipe
from profiler.manifest import PlannedImplementation
from profiler.measure.protocol import SteadyCase, SteadyJob
from profiler.measure.steady import Cell, SteadyRun, periods
from profiler.measure.subject import Subject
from profiler.records import Starting, decode


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


def test_each_preparing_may_take_as_long_as_a_compiler_may(planned: Callable[[str], PlannedImplementation]) -> None:
    name, case, unit = "article.module", "ic1ih8oc1kh3ph1", "ic1ih1oc1kh3ph1"
    part = SteadyCase(case=case, implementations=[planned(name)], units={name: [unit]}, variants={name: [["no_grad"]]})
    job = SteadyJob(
        process=1,
        seed=1,
        device="cpu",
        threads=1,
        processors=[],
        seconds=1.0,
        call_limit_s=0.5,
        check=False,
        ceilings=False,
        cases=[part],
    )
    reading, writing = os.pipe()
    cells = SteadyRun(job, RecordPipe(writing))._prepared_cells(part)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = [record for record in map(decode, pipe) if isinstance(record, Starting)]
    preparing = [record for record in told if record.stage in ("prepare", "unit")]
    assert [(cell.implementation, cell.case) for cell in cells] == [
        (record.implementation, record.case) for record in preparing
    ]
    assert {cell.case for cell in cells} == {case, unit}
    assert len(cells) > 2  # a switch is prepared as well
    assert all(record.limit_s > 2 * COMPILE_LIMIT_S for record in preparing)
