"""Claims that compare cases, on a run of several."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pandas as pd
import pytest

from profiler.attribution.run import attribute
from profiler.store import RunDirectory
from profiler.tables.attribution import ATTRIBUTION
from profiler.tables.claims import CLAIMS
from profiler.tables.files import read_table, write_table
from profiler.tables.summary import SUMMARY

BuildRun = Callable[..., RunDirectory]
_CASE = "ic1ih100oc1kh3ph1"


def _with_another_case(run: RunDirectory, case: str, factors: dict[str, float]) -> None:
    """Add a case that takes a factor of the times of the article's, by implementation (1 where none is given)."""
    manifest = run.manifest()
    run.write_manifest(msgspec.structs.replace(manifest, cases=[*manifest.cases, case]))
    samples = pd.read_parquet(run.samples_path)
    more = samples[samples["mode"].isin(("steady", "twin"))].assign(case=case)
    more["seconds_per_call"] *= more["implementation"].map(factors).astype(float).fillna(1.0)
    run.write_frame(pd.concat([samples, more]), run.samples_path)
    summary = read_table(run, SUMMARY)
    extra = summary.assign(case=case)
    extra["median_s"] *= extra["implementation"].map(factors).astype(float).fillna(1.0)
    write_table(run, SUMMARY, pd.concat([summary, extra]))


@pytest.mark.parametrize(
    ("library", "verdict"), [(0.5, "supported"), (0.05, "refuted")], ids=["slow on small inputs", "slow on large ones"]
)
def test_small_inputs(build_run: BuildRun, library: float, verdict: str) -> None:
    run = build_run(threads=[1])
    _with_another_case(run, "ic1ih8oc1kh3ph1", {"torch.conv2d": library, "c.direct": 0.1})
    attribute(run)
    row = read_table(run, CLAIMS).set_index("claim").loc["C3"]
    assert str(row["verdict"]).split(":")[0] == verdict
    assert "ic1ih8oc1kh3ph1" in row["figure"]


@pytest.mark.parametrize(("factor", "verdict"), [(1.3, "supported"), (0.8, "refuted"), (1.0, "not testable here")])
def test_padding_zero(build_run: BuildRun, factor: float, verdict: str) -> None:
    run = build_run(threads=[1])
    _with_another_case(run, "ic1ih102oc1kh3", {"torch.conv2d": factor})
    attribute(run)
    row = read_table(run, CLAIMS).set_index("claim").loc["C5"]
    assert str(row["verdict"]).split(":")[0] == verdict
    assert row["figure"].startswith("padding 0 takes ")


def test_each_case_has_its_gaps_and_no_counts_leave_them_in_the_residual(build_run: BuildRun) -> None:
    run = build_run(threads=[1])
    _with_another_case(run, "ic1ih8oc1kh3ph1", {})
    attribute(run)
    gaps = read_table(run, ATTRIBUTION)
    assert set(gaps["case"]) == {_CASE, "ic1ih8oc1kh3ph1"}
    other = gaps[(gaps["case"] != _CASE) & (gaps["cause"] == "dispatch")]
    assert set(other["status"]) == {"not estimated"}
