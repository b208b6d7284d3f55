"""Each claim is one item, and says once why it cannot be tested."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from profiler.report.claims import claim_list
from profiler.report.view import RunView
from profiler.store import RunDirectory
from profiler.tables.claims import CLAIMS
from profiler.tables.files import write_table

BuildRun = Callable[..., RunDirectory]


def _item(run: RunDirectory, verdict: str, figure: str, evidence: str, sentence: str = "") -> str:
    row = {"claim": "C3", "statement": "It grows.", "verdict": verdict, "sentence": sentence, "figure": figure,
           "evidence": evidence}  # fmt: skip
    write_table(run, CLAIMS, CLAIMS.frame([row]))
    (item,) = claim_list(RunView(run))
    return item


def test_a_verdict_comes_with_its_figure_and_its_evidence(build_run: BuildRun) -> None:
    item = _item(build_run(threads=[1]), "supported", "c.direct takes 0.5x of torch.conv2d", "small | against photo.")
    assert item == (
        "**C3 supported.** It grows. Figure: `c.direct` takes 0.5x of `torch.conv2d`. "
        "Evidence: small \\| against photo."
    )


def test_the_sentence_to_quote_stands_in_quotes(build_run: BuildRun) -> None:
    item = _item(build_run(threads=[1]), "mixed", "2x", "a trial", "true for c.direct | from 8x8 on")
    assert item == (
        '**C3 mixed.** It grows. To quote: "true for `c.direct` \\| from 8x8 on". Figure: 2x. Evidence: a trial.'
    )


@pytest.mark.parametrize(
    ("verdict", "evidence", "end"),
    [
        ("not testable here", "needs two cases", ""),
        ("not testable here: needs two cases", "needs two cases", ""),
        ("not testable here: needs two cases", "", ""),
        ("not testable here: needs two cases", "one case was run", " Evidence: one case was run."),
        ("not testable here: needs two cases", "needs two cases; one was run", " Evidence: one was run."),
    ],
)
def test_a_reason_follows_the_verdict_and_stands_once(
    build_run: BuildRun, verdict: str, evidence: str, end: str
) -> None:
    item = _item(build_run(threads=[1]), verdict, "", evidence)
    assert item == f"**C3 not testable here:** needs two cases. The claim: It grows.{end}"


def test_without_claims_there_is_no_item(build_run: BuildRun) -> None:
    assert claim_list(RunView(build_run(threads=[1]))) == []
