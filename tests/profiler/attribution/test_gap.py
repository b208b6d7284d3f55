"""Gaps from the hand-built run: they sum, share their draws, and refuse with their numbers kept."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from profiler.attribution.causes import CAUSE_IDS
from profiler.attribution.gap import gap_table_rows, gaps_for
from profiler.errors import UsageError
from profiler.store import RunDirectory
from profiler.tables.attribution import ATTRIBUTION
from profiler.tables.budget import BUDGET
from profiler.tables.files import read_table
from profiler.tables.summary import SUMMARY

BuildRun = Callable[..., RunDirectory]


def test_every_gap_to_the_baseline_sums_to_the_difference_of_the_medians(article_run: RunDirectory) -> None:
    summary = read_table(article_run, SUMMARY).set_index(["implementation", "threads"])["median_s"]
    gaps = read_table(article_run, ATTRIBUTION)
    assert set(gaps["baseline"]) == {"torch.conv2d"}
    assert set(gaps["threads"]) == {1}
    assert gaps["subject"].nunique() == 12
    for subject, rows in gaps.groupby("subject"):
        assert tuple(rows["cause"]) == CAUSE_IDS
        gap = summary[subject, 1] - summary["torch.conv2d", 1]
        assert rows["seconds"].sum() == pytest.approx(gap, rel=1e-9)
        assert rows["share"].sum() == pytest.approx(1.0)
        assert (rows["ci_low_s"] <= rows["seconds"]).all()
        assert (rows["seconds"] <= rows["ci_high_s"]).all()


def test_the_loop_s_gap_is_told_and_its_dispatch_counted(article_run: RunDirectory) -> None:
    gap = gaps_for(article_run, "article.numpy_loop", "torch.conv2d")[0]
    assert gap.refused == ()
    assert gap.row("dispatch").status == "unconfirmed"
    assert 0.8 < gap.row("dispatch").share < 0.9
    assert "20,003 operators x 1.80 µs" in gap.row("dispatch").evidence
    assert gap.row("floor").seconds == 0


def test_a_refused_gap_keeps_its_numbers_and_says_why(article_run: RunDirectory) -> None:
    gap = gaps_for(article_run, "c.direct", "torch.conv2d")[0]
    row = gap.row("dispatch")
    assert len(gap.refused) == 1
    assert row.status == "refused"
    assert row.seconds < 0
    assert gap.refused[0].startswith("the residual is")
    assert row.evidence.startswith("subject: 1 operator;")
    assert {each["refusal"] for each in gap_table_rows(gap)} == {gap.refused[0]}
    assert gap.row("arithmetic").status == "not estimated"


def test_an_error_common_to_both_sides_cancels(article_run: RunDirectory) -> None:
    gap = gaps_for(article_run, "c.direct", "c.direct[-O0]")[0]
    assert gap.row("interpreter").low == gap.row("interpreter").high == 0


def test_the_gap_turned_round_is_the_same_with_the_other_sign(article_run: RunDirectory) -> None:
    one, other = (gaps_for(article_run, *pair) for pair in (("numpy.im2col", "c.direct"), ("c.direct", "numpy.im2col")))
    assert [gap.condition.threads for gap in one] == [1, 2]
    for gap, turned in zip(one, other, strict=True):
        for row in gap.rows:
            assert turned.row(row.cause).seconds == -row.seconds


@pytest.mark.parametrize(
    ("subject", "fragments"),
    [
        ("numpy.fft", ["no implementation 'numpy.fft'", "it has: article.module, "]),
        ("mine:shifted", ["no median of 'mine:shifted'", "wrong", "off by 0.31"]),
    ],
)
def test_a_pair_that_was_not_measured_is_a_usage_error(
    article_run: RunDirectory, subject: str, fragments: list[str]
) -> None:
    with pytest.raises(UsageError) as error:
        gaps_for(article_run, subject, "torch.conv2d")
    for fragment in fragments:
        assert fragment in str(error.value)


def test_other_thread_conditions_have_no_fixed_cost_without_samples(article_run: RunDirectory) -> None:
    budget = read_table(article_run, BUDGET)
    two = budget[(budget["threads"] == 2) & (budget["status"] != "not estimated")]
    assert set(two["cause"]) == {"allocation", "idle", "floor", "residual"} | {"autograd"} & set(two["cause"])
    assert two["implementation"].nunique() == 13
