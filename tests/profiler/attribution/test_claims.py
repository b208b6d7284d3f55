"""Claims are judged from intervals, and never beyond what a run holds."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from profiler.attribution.claims import CLAIMS as JUDGES
from profiler.attribution.files import RunFiles
from profiler.attribution.findings import Findings, Ratio
from profiler.attribution.gather import Gathered
from profiler.attribution.judging import Judgement, joined, judged, not_testable
from profiler.attribution.run import attribute
from profiler.store import RunDirectory
from profiler.tables.claims import CLAIMS
from profiler.tables.files import read_table, write_table
from profiler.tables.samples import SAMPLES
from profiler.tables.summary import SUMMARY

BuildRun = Callable[..., RunDirectory]

_EXPECTED = {
    "C1": ("supported", "torch.conv2d takes 6.25x (95 %: 6.20x to 6.29x) the time of c.direct[-O3 -march=native]"),
    "C2": ("mixed", "best c.direct[-O3 -march=native] 0.188x"),
    "C3": ("not testable here", ""),
    "C4": ("not testable here", ""),
    "C5": ("not testable here", ""),
    "C6": ("supported", "1.14x (95 %: 1.1"),
    "C7": ("not testable here", ""),
    "C8": ("supported", "c.direct[-O3 -march=native] takes 0.0285x"),
    "C9": ("mixed", "486x (95 %: 4"),
    "C10": ("not testable here", ""),
    "C11": ("mixed", "numpy.im2col takes 3.37x"),
    "C12": ("not testable here", ""),
    "C13": ("mixed", "20 of 78 pairs flip, 19 beyond their intervals"),
}


def test_the_article_s_claims_on_the_hand_built_run(article_run: RunDirectory) -> None:
    table = read_table(article_run, CLAIMS)
    assert list(table["claim"]) == [f"C{number}" for number in range(1, 14)] == list(_EXPECTED)
    for _, row in table.iterrows():
        verdict, figure = _EXPECTED[row["claim"]]
        told = f"{verdict}: {row['evidence']}" if verdict == "not testable here" else verdict
        assert row["verdict"] == told, row.to_dict()
        assert row["figure"].startswith(figure)
        assert row["evidence"]


def test_the_article_s_own_order_is_told_apart_from_the_other_flips(article_run: RunDirectory) -> None:
    evidence = read_table(article_run, CLAIMS).set_index("claim").loc["C13", "evidence"]
    assert "the article's own three listings keep their order" in str(evidence)


def test_without_samples_nothing_is_judged_and_each_says_what_it_needs(build_run: BuildRun) -> None:
    run = build_run()
    run.write_frame(SAMPLES.frame([]), run.samples_path)
    findings = Findings(Gathered(RunFiles(run)))
    for claim in JUDGES:
        judgement = claim.judge(findings)
        assert judgement.verdict == "not testable here", claim.id
        assert judgement.evidence.startswith("needs ")


def test_that_none_is_faster_is_said_only_where_all_are_slower(build_run: BuildRun) -> None:
    run = build_run(threads=[1])
    kept = ["article.module", "torch.conv2d", "numpy.shift_add", "torch.unfold"]
    summary = read_table(run, SUMMARY)
    summary = summary[summary["implementation"].isin(kept)]
    for floor, verdict in ((0.01, "refuted"), (3.0, "not testable here")):
        write_table(run, SUMMARY, summary.assign(aa_floor=floor))
        attribute(run)
        assert read_table(run, CLAIMS).set_index("claim").loc["C2", "verdict"].split(":")[0] == verdict


@pytest.mark.parametrize(("name", "verdict"), [("numpy.shift_add", "refuted"), ("opencl.direct", "not testable here")])
def test_opencl_s_kernels_on_the_processor_refute_nothing(build_run: BuildRun, name: str, verdict: str) -> None:
    run = build_run(threads=[1])
    names = {"article.module": "article.module", "torch.conv2d": "torch.conv2d", "numpy.shift_add": name}
    summary, samples = read_table(run, SUMMARY), pd.read_parquet(run.samples_path)
    summary, samples = (
        frame[frame["implementation"].isin(names)].replace({"implementation": names}) for frame in (summary, samples)
    )
    write_table(run, SUMMARY, summary.assign(aa_floor=0.01))
    run.write_frame(samples, run.samples_path)
    claim = next(each for each in JUDGES if each.id == "C2")
    assert claim.judge(Findings(Gathered(RunFiles(run)))).verdict == verdict


def test_with_few_implementations_the_other_claims_stay_open(build_run: BuildRun) -> None:
    run = build_run(threads=[1])
    summary = read_table(run, SUMMARY)
    write_table(run, SUMMARY, summary[summary["implementation"].isin(("torch.conv2d", "article.module"))])
    attribute(run)
    verdicts = read_table(run, CLAIMS).set_index("claim")["verdict"].to_dict()
    assert {claim for claim, verdict in verdicts.items() if not verdict.startswith("not testable here: ")} == {"C6"}


@pytest.mark.parametrize(
    ("supporting", "refuting", "verdict"),
    [
        ([True], [False], "supported"),
        ([False], [True], "refuted"),
        ([True, False], [False, True], "mixed"),
        ([False], [False], "not testable here"),
        ([], [], "not testable here"),
    ],
)
def test_a_verdict_needs_an_interval_that_excludes_one(
    supporting: list[bool], refuting: list[bool], verdict: str
) -> None:
    assert judged(supporting, refuting, "1.01x", "an experiment").verdict == verdict


def test_an_interval_that_holds_one_or_is_not_known_excludes_nothing() -> None:
    for ratio in (Ratio(1.05, 0.99, 1.1), Ratio(1.05, float("nan"), float("nan"))):
        assert not ratio.above
        assert not ratio.below
    assert "too few processes" in str(Ratio(2.0, float("nan"), float("nan")))


def test_cases_that_disagree_make_a_mixed_verdict() -> None:
    yes, no = Judgement("supported", "2x", "a"), Judgement("refuted", "0.5x", "b")
    open_ = not_testable("c")
    assert joined([("small", yes)]) is yes
    assert joined([("small", yes), ("large", no)]).verdict == "mixed"
    assert joined([("small", yes), ("large", open_)]).verdict == "supported"
    assert joined([("small", yes), ("large", no)]).figure == "on small: 2x; on large: 0.5x"
    assert joined([("small", open_), ("large", open_)]).verdict == "not testable here"
