"""Attribution comes as far as the files reach."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from profiler.attribution.run import attribute
from profiler.store import RunDirectory
from profiler.tables.attribution import ATTRIBUTION
from profiler.tables.budget import BUDGET
from profiler.tables.claims import CLAIMS
from profiler.tables.files import read_table, write_table
from profiler.tables.summary import SUMMARY

BuildRun = Callable[..., RunDirectory]


def test_a_planned_run_without_any_file_has_empty_tables(build_run: BuildRun, tmp_path: Path) -> None:
    bare = RunDirectory(tmp_path / "bare")
    bare.write_manifest(build_run().manifest())
    attribute(bare)
    assert read_table(bare, BUDGET).empty
    assert read_table(bare, ATTRIBUTION).empty
    assert len(read_table(bare, CLAIMS)) == 13


@pytest.mark.parametrize("absent", [["counts"], ["ceilings"], ["cold"], ["memory"], ["counts", "ceilings", "memory"]])
def test_a_missing_table_leaves_budgets_that_sum(build_run: BuildRun, absent: list[str]) -> None:
    run = build_run(threads=[1])
    for name in absent:
        (run.tables / f"{name}.parquet").unlink()
    attribute(run)
    sums = read_table(run, BUDGET).groupby("implementation")["seconds"].sum()
    medians = read_table(run, SUMMARY).set_index("implementation")["median_s"]
    assert sums.to_dict() == pytest.approx(medians[sums.index].to_dict())
    assert len(sums) == 13


def test_without_counts_a_gap_is_all_residual_and_refused(build_run: BuildRun) -> None:
    run = build_run(threads=[1])
    (run.tables / "counts.parquet").unlink()
    attribute(run)
    gaps = read_table(run, ATTRIBUTION)
    loop = gaps[gaps["subject"] == "article.numpy_loop"].set_index("cause")
    assert loop.loc["residual", "status"] == "refused"
    assert loop.loc["residual", "share"] == pytest.approx(1.0)
    assert "no counts" in loop.loc["dispatch", "evidence"]


def test_without_the_baseline_there_are_budgets_and_no_gaps(build_run: BuildRun) -> None:
    run = build_run(threads=[1])
    summary = read_table(run, SUMMARY)
    write_table(run, SUMMARY, summary[summary["implementation"] != "torch.conv2d"])
    attribute(run)
    assert read_table(run, ATTRIBUTION).empty
    assert read_table(run, BUDGET)["implementation"].nunique() == 12


def test_twice_gives_the_same_tables(build_run: BuildRun) -> None:
    run = build_run(threads=[1])
    attribute(run)
    first = (run.tables / "attribution.csv").read_bytes()
    attribute(run)
    assert (run.tables / "attribution.csv").read_bytes() == first
