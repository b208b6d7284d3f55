"""How much of the work in other threads a call waits for, from the slopes of a trial."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from profiler.records import Exposed
from profiler.store import RunDirectory
from profiler.tables.criticality import CRITICALITY, build
from profiler.tables.inputs import Inputs

BuildRun = Callable[..., RunDirectory]


def _exposed(tasks: float, slopes: list[float]) -> Exposed:
    return Exposed(implementation="mine:f", case="ic1ih100oc1kh3ph1", device="cpu", threads=1, tasks=tasks,
                   work_s=0.004, delay_s=0.0004, slopes=slopes)  # fmt: skip


@pytest.mark.parametrize(
    ("tasks", "slopes", "exposed_ms"),
    [
        (1, [0.9, 1.0, 1.1, 1.0, 1.0, 1.0, 0.2, 1.0, 5.0], (4.0, 3.6, 4.0)),
        (1, [-0.1, 0.0, 0.1, 0.0, 0.0, 0.0, 0.0, 0.0, -4.0], (0.0, 0.0, 0.0)),
        (2, [1.0] * 9, (2.0, 2.0, 2.0)),
    ],
)
def test_work_that_is_waited_for_is_exposed(
    build_run: BuildRun, tasks: float, slopes: list[float], exposed_ms: tuple[float, ...]
) -> None:
    run = build_run(threads=[1])
    with run.journal() as journal:
        journal.append(_exposed(9.0, [0.0]))
        journal.append(_exposed(tasks, slopes))
    table = build(Inputs(run))
    assert list(table.columns) == [column.name for column in CRITICALITY.columns]
    assert len(table) == 1
    row = table.iloc[0]
    assert tuple(row[["exposed_s", "exposed_low_s", "exposed_high_s"]] * 1e3) == pytest.approx(exposed_ms)


def test_who_hands_no_work_to_others_has_no_row(build_run: BuildRun) -> None:
    assert build(Inputs(build_run(threads=[1]))).empty
