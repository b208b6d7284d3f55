"""The ranking: what each implementation takes, and how that compares with the baseline."""

from __future__ import annotations

import math
from collections.abc import Callable

from profiler.attribution.evidence import Condition
from profiler.report.escape import code, plain
from profiler.report.markdown_table import markdown_table
from profiler.report.view import Ranked, RunView
from profiler.units import ratio, seconds

__all__ = ["between", "failure_list", "ranking_table"]

_HEADER = ("implementation", "family", "per call", "95 % interval", "x baseline", "95 % interval", "verdict")


def ranking_table(view: RunView, condition: Condition) -> str:
    """Lay out the ranking of one condition, the fastest first."""
    rows = [
        (
            code(each.implementation),
            plain(each.family),
            seconds(each.median_s),
            between(each.low_s, each.high_s, seconds),
            ratio(each.ratio),
            "-" if each.is_baseline else between(each.ratio_low, each.ratio_high, ratio),
            _verdict(each),
        )
        for each in view.ranking(condition)
    ]
    return markdown_table(_HEADER, rows, "llrrrrl")


def between(low: float, high: float, write: Callable[[float], str]) -> str:
    """Write an interval."""
    return f"{write(low)} to {write(high)}" if math.isfinite(low) and math.isfinite(high) else "too few processes"


def failure_list(view: RunView) -> list[str]:
    """Say of each that has no place in the ranking why."""
    several = len(view.manifest.cases) > 1
    return [
        f"{code(each.implementation)}{f' on {code(each.case)}' if several else ''}: {plain(each.status)}"
        + (f": {plain(each.reason)}" if each.reason else "")
        for each in view.failures
    ]


def _verdict(each: Ranked) -> str:
    word = "baseline" if each.is_baseline else each.word
    return word if each.steady else f"{word}; no steady state"
