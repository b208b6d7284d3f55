"""The first line says what holds here, and claims nothing that is refused."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pandas as pd
import pytest

from profiler.attribution.run import attribute
from profiler.report.verdict import verdict
from profiler.report.view import RunView
from profiler.store import RunDirectory
from profiler.tables.files import read_table, write_table
from profiler.tables.summary import SUMMARY

BuildRun = Callable[..., RunDirectory]
_HERE = "Here, on `ic1ih100oc1kh3ph1` with one thread, "


def _line(run: RunDirectory) -> str:
    attribute(run)
    view = RunView(run)
    return verdict(view, view.conditions[0])


def _summary(run: RunDirectory, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    write_table(run, SUMMARY, change(read_table(run, SUMMARY)))


def _keep(run: RunDirectory, *names: str) -> None:
    _summary(run, lambda summary: summary[summary["implementation"].isin(names)])


def test_the_article_s_loop_and_the_fastest_manual_one(view: RunView) -> None:
    line = verdict(view, view.conditions[0])
    assert line.startswith(f"{_HERE}`article.numpy_loop` takes 1,420x the time of `torch.conv2d` (95 %: 1,")
    assert "because of operator dispatch (84 % of the gap, unconfirmed: 20,003 operators)" in line
    assert "; `c.direct[-O3 -march=native]` takes 0.231x (95 %: 0.2" in line
    assert line.endswith(", no cause told: the residual is 37 % of the gap.")
    assert "\n" not in line


def test_what_the_reader_brought_comes_first(build_run: BuildRun) -> None:
    run = build_run(threads=[1])
    manifest = run.manifest()
    asked = [
        msgspec.structs.replace(planned, asked_for=planned.name == "numpy.im2col")
        for planned in manifest.implementations
    ]
    run.write_manifest(msgspec.structs.replace(manifest, implementations=asked))
    line = _line(run)
    assert line.startswith(f"{_HERE}`numpy.im2col` takes 9.83x the time of `torch.conv2d`")
    assert "article" not in line


def test_an_alternative_that_saves_time_says_what_it_saves(build_run: BuildRun) -> None:
    run = build_run(threads=[1])
    _keep(run, "torch.conv2d", "article.module")
    line = _line(run)
    assert line == (
        f"{_HERE}`article.module` takes 1.23x the time of `torch.conv2d` (95 %: 1.22x to 1.24x), because of gradient "
        "bookkeeping (67 % of the gap, confirmed) and Python bytecode (41 % of the gap, unconfirmed: 260 bytecode "
        "instructions)."
    )


def test_what_is_unexplained_weighs_more_than_processes_that_disagree(build_run: BuildRun) -> None:
    run = build_run(threads=[1])
    _keep(run, "torch.conv2d", "c.direct[-O0]")
    _summary(run, lambda summary: summary.assign(process_disagreement=0.2))
    line = _line(run)
    assert ", no cause told: the residual is " in line
    assert line.endswith(" of the gap.")
    assert "disagree" not in line


@pytest.mark.parametrize(
    ("low", "high", "end"),
    [
        (0.97, 1.03, ", the same within 5 %."),
        (0.8, 1.5, ", too close to tell."),
        (None, None, "(too few processes for an interval)."),
    ],
)
def test_what_is_close_has_no_cause(build_run: BuildRun, low: float | None, high: float | None, end: str) -> None:
    run = build_run(threads=[1])
    _keep(run, "torch.conv2d", "numpy.shift_add")
    _summary(run, lambda summary: summary.assign(ratio=1.01, ratio_ci_low=low, ratio_ci_high=high))
    assert _line(run).endswith(end)


def test_a_run_without_its_baseline_compares_nothing(build_run: BuildRun) -> None:
    run = build_run(threads=[1])
    _summary(run, lambda summary: summary[summary["implementation"] != "torch.conv2d"])
    assert _line(run) == f"{_HERE}nothing can be compared: the baseline `torch.conv2d` has no median."


def test_the_baseline_alone(build_run: BuildRun) -> None:
    run = build_run(threads=[1])
    _keep(run, "torch.conv2d")
    assert _line(run) == f"{_HERE}nothing was measured beside the baseline `torch.conv2d`."
