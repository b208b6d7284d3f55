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
    own = samples["mode"].isin(("steady", "twin")) & (samples["case"] == _CASE)
    more = samples[own].assign(case=case)
    more["seconds_per_call"] *= more["implementation"].map(factors).astype(float).fillna(1.0)
    run.write_frame(pd.concat([samples, more]), run.samples_path)
    summary = read_table(run, SUMMARY)
    extra = summary[summary["case"] == _CASE].assign(case=case)
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


def test_kernels_and_sizes_are_judged_apart(build_run: BuildRun) -> None:
    run = build_run(threads=[1])
    _with_another_case(run, "ic1ih8oc1kh3ph1", {"torch.conv2d": 0.5, "c.direct[-O3 -march=native]": 0.1})
    _with_another_case(run, "ic1ih100oc1kh11ph5", {"torch.conv2d": 4.0})
    attribute(run)
    row = read_table(run, CLAIMS).set_index("claim").loc["C3"]
    assert row["verdict"] == "mixed"
    name = "c.direct[-O3 -march=native]"
    assert row["sentence"] == (
        f"true for inputs: torch.conv2d takes 21.7x on 8x8, 4.34x on 100x100 the time of {name}; "
        f"false for kernels on 100x100: torch.conv2d takes 4.34x on 100x100 with 3x3, 17.3x on 100x100 with 11x11 the "
        f"time of {name}"
    )


def test_from_which_size_on_a_class_beats_the_layer_is_said(build_run: BuildRun) -> None:
    run = build_run(threads=[1])
    for size, factor in ((8, 1.0), (256, 10.0), (512, 20.0)):
        _with_another_case(run, f"ic1ih{size}oc1kh3ph1", {"article.module": factor})
    attribute(run)
    row = read_table(run, CLAIMS).set_index("claim").loc["C2"]
    told = str(row["sentence"]).split("; ")
    assert told[0].startswith("false for per-pixel loops in every case, 15.2x to 305x the time of article.module")
    assert "true for torch operators from 256x256 on, up to 6.74x as fast" in told
    assert "slower elsewhere" in told
    assert "true and understated for compiled code in every case, 5.33x to 107x as fast as article.module" in told
    assert "torch operators, the fastest on each case: torch.unfold on ic1ih512oc1kh3ph1" in row["evidence"]


def test_of_many_cases_the_ends_are_written_out(build_run: BuildRun) -> None:
    run = build_run(threads=[1])
    for size in (8, 16, 32, 64):
        _with_another_case(run, f"ic1ih{size}oc1kh3ph1", {"numpy.im2col": 0.1 if size < 20 else 1.0})
    attribute(run)
    row = read_table(run, CLAIMS).set_index("claim").loc["C11"]
    assert "on ic1ih100oc1kh3ph1: numpy.im2col takes 3.37x" in row["figure"]
    assert row["figure"].endswith("; and on 3 cases between")
    assert row["sentence"].startswith("true up to 16x16: on 8x8 im2col and a matrix product take, against shifted adds")
    assert "; in part from 32x32 on: on 100x100 im2col" in row["sentence"]


def test_each_case_has_its_gaps_and_no_counts_leave_them_in_the_residual(build_run: BuildRun) -> None:
    run = build_run(threads=[1])
    _with_another_case(run, "ic1ih8oc1kh3ph1", {})
    attribute(run)
    gaps = read_table(run, ATTRIBUTION)
    assert set(gaps["case"]) == {_CASE, "ic1ih8oc1kh3ph1"}
    other = gaps[(gaps["case"] != _CASE) & (gaps["cause"] == "dispatch")]
    assert set(other["status"]) == {"not estimated"}
