"""What stands in a gap's section: what is not known is not shown as 0."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from profiler.attribution.run import attribute
from profiler.report.gaps import baseline_evidence, gap_sections
from profiler.report.view import RunView
from profiler.store import RunDirectory
from profiler.tables.budget import BUDGET
from profiler.tables.files import read_table, write_table

BuildRun = Callable[..., RunDirectory]


@pytest.mark.parametrize(
    ("residual", "end"),
    [(0.25, "25 % of its time, unexplained"), (-0.25, "-25 % of its time, by which the estimates add up to more")],
)
def test_the_baseline_tells_what_is_left_of_it(build_run: BuildRun, residual: float, end: str) -> None:
    run = build_run(threads=[1])
    attribute(run)
    budget = read_table(run, BUDGET)
    own = budget["implementation"] == "torch.conv2d"
    budget.loc[own, "seconds"] = 0.0
    budget.loc[own & (budget["cause"] == "floor"), "seconds"] = (1 - residual) * 8e-6
    budget.loc[own & (budget["cause"] == "residual"), "seconds"] = residual * 8e-6
    write_table(run, BUDGET, budget)
    view = RunView(run)
    assert baseline_evidence(view, view.conditions[0])[-1] == f"residual: {8 * residual:.2f} µs, {end}"


def test_autograd_is_not_missed_where_nothing_keeps_gradients(view: RunView) -> None:
    for section in gap_sections(view, view.conditions[0]):
        assert "arithmetic" in section.not_estimated
        assert "autograd" not in section.not_estimated


def test_a_side_without_an_estimate_shows_a_dash(build_run: BuildRun) -> None:
    run = build_run(threads=[1])
    attribute(run)
    budget = read_table(run, BUDGET)
    own = (budget["implementation"] == "torch.unfold") & (budget["cause"] == "floor")
    budget.loc[own, "seconds"] = 0.0
    budget.loc[own, "status"] = "not estimated"
    write_table(run, BUDGET, budget)
    view = RunView(run)
    (section,) = [each for each in gap_sections(view, view.conditions[0]) if each.heading.startswith("`torch.unfold`")]
    (line,) = [line for line in section.table.splitlines() if line.startswith("| floor")]
    assert [cell.strip() for cell in line.split("|")][2] == "-"
