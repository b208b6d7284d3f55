"""The tables of what a call does: no more is claimed than was seen."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from profiler.attribution.run import attribute
from profiler.report.memory_use import memory_table
from profiler.report.view import RunView
from profiler.report.work import no_launches, work_table
from profiler.store import RunDirectory
from profiler.tables.budget import BUDGET
from profiler.tables.files import read_table, write_table
from profiler.tables.launches import LAUNCHES
from profiler.tables.memory import MEMORY

BuildRun = Callable[..., RunDirectory]


def _cells(table: str, name: str) -> dict[str, str]:
    header, _, *rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    (row,) = [row for row in rows if row[0] == f"`{name}`"]
    return dict(zip(header, row, strict=True))


def test_operators_called_recorded_and_leaves_differ(view: RunView) -> None:
    cells = _cells(work_table(view, view.conditions[0]), "article.numpy_loop")
    assert (cells["called"], cells["recorded"], cells["leaves"]) == ("20,003", "40,006", "20,003")


def test_kernel_launches_have_a_column_only_where_there_are_any(build_run: BuildRun) -> None:
    run = build_run(threads=[1])
    view = RunView(run)
    assert "kernel launches" not in work_table(view, view.conditions[0])
    assert no_launches(view, view.conditions[0]) == "No kernel launches: no accelerator in this run."
    write_table(run, LAUNCHES, read_table(run, LAUNCHES).assign(kernel_launches=3.0))
    view = RunView(run)
    assert _cells(work_table(view, view.conditions[0]), "torch.unfold")["kernel launches"] == "3"
    assert no_launches(view, view.conditions[0]) == ""


def test_a_share_of_python_is_at_most_all_of_it(build_run: BuildRun) -> None:
    run = build_run(threads=[1])
    attribute(run)
    budget = read_table(run, BUDGET)
    python = budget["cause"] == "interpreter"
    budget.loc[python, ["seconds", "ci_high_s"]] *= 1e6
    write_table(run, BUDGET, budget)
    view = RunView(run)
    assert _cells(work_table(view, view.conditions[0]), "python.loop")["Python share"].endswith("to 100 %)")


@pytest.mark.parametrize(
    ("moved", "scratch", "shown"),
    [
        (160_072.0, 0.0, ("160 kB", "2.00x", "0 B")),
        (160_072.0, 40_000.0, ("≥ 160 kB", "≥ 2.00x", "40.0 kB")),
        (40_000.0, 0.0, ("≥ 40.0 kB", "-", "0 B")),
        (160_072.0, math.nan, ("160 kB", "2.00x", "-")),
        (math.nan, 40_000.0, ("-", "-", "40.0 kB")),
    ],
)
def test_bytes_that_must_be_more_are_shown_as_least_values(
    build_run: BuildRun, moved: float, scratch: float, shown: tuple[str, str, str]
) -> None:
    run = build_run(threads=[1])
    write_table(run, MEMORY, read_table(run, MEMORY).assign(op_bytes=moved, scratch_bytes=scratch))
    view = RunView(run)
    cells = _cells(memory_table(view, view.conditions[0]), "torch.conv2d")
    assert (cells["operator bytes"], cells["x compulsory"], cells["scratch"]) == shown
