"""What stands under a ranking: what was ranked, what `unclear` means, what threads do to the baseline."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from profiler.report.ranking import summary_list, threads_line, unclear_line
from profiler.report.view import RunView
from profiler.store import RunDirectory
from profiler.tables.files import read_table, write_table
from profiler.tables.summary import SUMMARY

BuildRun = Callable[..., RunDirectory]


def _with(run: RunDirectory, change: Callable[[pd.DataFrame], pd.DataFrame]) -> RunView:
    write_table(run, SUMMARY, change(read_table(run, SUMMARY)))
    return RunView(run)


def test_each_ranked_implementation_is_summed_up_once_in_order(view: RunView) -> None:
    lines = summary_list(view)
    assert lines[0] == "`c.direct[-O3 -march=native]`: what c.direct\\[-O3 -march=native] does"
    assert len(lines) == 13


def test_unclear_names_the_floors(build_run: BuildRun) -> None:
    view = _with(build_run(threads=[1]), lambda summary: summary.assign(aa_floor=0.03))
    assert unclear_line(view, view.conditions[0]).endswith("(here 3.0 % in the middle, 3.0 % at most).")
    view = _with(view.run, lambda summary: summary.assign(aa_floor=None))
    assert unclear_line(view, view.conditions[0]).endswith("(here not measured).")


@pytest.mark.parametrize(
    ("low", "high", "end"),
    [
        (30e-6, 31e-6, ": more threads make it slower."),
        (19e-6, 20e-6, ": more threads make it faster."),
        (19e-6, 31e-6, ": the same, as far as their intervals tell."),
        (None, None, "; too few processes to compare them."),
    ],
)
def test_the_baseline_is_compared_over_threads(
    build_run: BuildRun, low: float | None, high: float | None, end: str
) -> None:
    def change(summary: pd.DataFrame) -> pd.DataFrame:
        summary.loc[summary["threads"] == 2, ["ci_low_s", "ci_high_s"]] = [low, high]
        return summary

    view = _with(build_run(), change)
    assert threads_line(view, view.conditions[0]) == ""
    line = threads_line(view, view.conditions[1])
    assert line.startswith("With 2 threads `torch.conv2d` takes 24.")
    assert line.endswith(end)
