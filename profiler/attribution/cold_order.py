"""Whether the article's way of timing, one cold call by the clock, puts implementations in their steady order."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import pandas as pd

from profiler.attribution.conditions import within
from profiler.attribution.evidence import Condition
from profiler.attribution.findings import Findings
from profiler.attribution.judging import Judgement, not_testable, threads_told
from profiler.tables.cold import COLD
from profiler.units import seconds

__all__ = ["Flip", "cold_order", "flips"]

_MOST_SHOWN = 3
_FEWEST_PAIRS = 3  # one pair in the right order says nothing of a way of timing
_LISTINGS = ("article.module", "article.numpy_loop", "article.torch_loop")


@dataclass(frozen=True)
class Flip:
    """Name a pair that one cold call puts in the wrong order: `faster` is so once steady, and looks slower cold.

    `certain` where the cold intervals do not overlap, so that another day's cold call would say the same.
    """

    faster: str
    slower: str
    cold_faster_s: float
    cold_slower_s: float
    certain: bool


def cold_order(findings: Findings, condition: Condition) -> Judgement | None:
    """Judge C13: count the pairs whose steady order is clear and whose cold order is the other."""
    pairs, wrong = flips(findings, condition)
    if pairs < _FEWEST_PAIRS:
        return None
    certain = [flip for flip in wrong if flip.certain]
    figure = f"{len(wrong)} of {pairs} pairs flip" + (f", {len(certain)} beyond their intervals" if wrong else "")
    listings = [flip for flip in wrong if {flip.faster, flip.slower} <= set(_LISTINGS)]
    whole = set(_LISTINGS) <= set(findings.names(condition))
    own = "the article's own three listings " + ("flip" if listings else "keep their order")
    method = (
        f"First calls in fresh processes by time.time(){_unwaited(condition)} against steady medians, "
        f"{condition.case}, {threads_told(1, condition.device)}; "
        f"{own if whole else 'not all of the listings were measured'}"
    )
    shown = "; ".join(_words(flip) for flip in (listings or certain or wrong)[:_MOST_SHOWN])
    sentence = f"one cold call puts {len(wrong)} of {pairs} pairs in the wrong order"
    if certain:
        right_for_the_article = whole and not listings
        return Judgement("mixed" if right_for_the_article else "refuted", figure, f"{shown}. {method}", sentence)
    if wrong:
        return not_testable(f"no flip is beyond its cold intervals: {shown}. {method}", figure)
    return Judgement("supported", figure, method, sentence)


def _unwaited(condition: Condition) -> str:
    """Say what the article's timing leaves out where a call returns before it is done."""
    return "" if condition.device == "cpu" else ", which stops when the call returns and waits for no device,"


def flips(findings: Findings, condition: Condition) -> tuple[int, list[Flip]]:
    """Give the number of pairs whose steady order is clear, and those of them that one cold call turns round."""
    cold = _article_times(findings, condition)
    names = [name for name in findings.names(condition) if name in cold]
    pairs, found = 0, []
    for one, other in itertools.combinations(names, 2):
        steady = findings.ratio(one, other, condition)
        if steady is None or not (steady.above or steady.below):
            continue
        pairs += 1
        faster, slower = (one, other) if steady.below else (other, one)
        if cold[faster]["median_s"] > cold[slower]["median_s"]:
            found.append(_flip(faster, slower, cold))
    return pairs, sorted(found, key=lambda flip: flip.cold_slower_s / flip.cold_faster_s)


def _article_times(findings: Findings, condition: Condition) -> dict[str, pd.Series]:
    here = within(findings.files.table(COLD), condition)
    here = here[(here["stage"] == "article_time") & here["median_s"].notna()]
    return {str(row["implementation"]): row for _, row in here.iterrows()}


def _flip(faster: str, slower: str, cold: dict[str, pd.Series]) -> Flip:
    low, high = float(cold[faster]["ci_low_s"]), float(cold[slower]["ci_high_s"])
    return Flip(
        faster,
        slower,
        float(cold[faster]["median_s"]),
        float(cold[slower]["median_s"]),
        certain=math.isfinite(low) and math.isfinite(high) and low > high,
    )


def _words(flip: Flip) -> str:
    return (
        f"{flip.faster} is faster once steady, but its cold call takes {seconds(flip.cold_faster_s)} against "
        f"{seconds(flip.cold_slower_s)} of {flip.slower}"
    )
