"""The ranking: what each implementation takes, and how that compares with the baseline."""

from __future__ import annotations

import math
from collections.abc import Callable

from profiler.attribution.evidence import Condition
from profiler.report.escape import code, plain
from profiler.report.markdown_table import markdown_table
from profiler.report.threads import threads_of
from profiler.report.view import Ranked, RunView
from profiler.units import percent, ratio, seconds

__all__ = ["between", "failure_list", "ranking_table", "summary_list", "threads_line", "unclear_line"]

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


def summary_list(view: RunView) -> list[str]:
    """Say in one line each what the ranked implementations are, the fastest first."""
    told = {planned.name: planned.summary for planned in view.manifest.implementations}
    ranked = dict.fromkeys(each.implementation for condition in view.conditions for each in view.ranking(condition))
    return [f"{code(name)}: {plain(told[name])}" for name in ranked if told.get(name)]


def unclear_line(view: RunView, condition: Condition) -> str:
    """Say what `unclear` means, with the A/A floors of a condition."""
    middle, largest = view.aa_floors(condition)
    known = f"{percent(middle)} in the middle, {percent(largest)} at most" if math.isfinite(middle) else "not measured"
    return f"`unclear`: the interval holds 1, or the difference is under twice the A/A floor of its own (here {known})."


def threads_line(view: RunView, condition: Condition) -> str:
    """Compare the baseline's time with its time with the fewest threads; '' where there is nothing to compare."""
    first = next(each for each in view.first_conditions if each.case == condition.case)
    many, few = _baseline(view, condition), _baseline(view, first)
    if first == condition or many is None or few is None:
        return ""
    times = (
        f"With {threads_of(condition)} {code(many.implementation)} takes {seconds(many.median_s)}, "
        f"with {threads_of(first)} {seconds(few.median_s)}"
    )
    ends = (many.low_s, many.high_s, few.low_s, few.high_s)
    if not all(map(math.isfinite, ends)):
        return f"{times}; too few processes to compare them."
    if many.low_s > few.high_s:
        return f"{times}: more threads make it slower."
    if many.high_s < few.low_s:
        return f"{times}: more threads make it faster."
    return f"{times}: the same, as far as their intervals tell."


def failure_list(view: RunView) -> list[str]:
    """Say of each that has no place in the ranking why."""
    several = len(view.manifest.cases) > 1
    return [
        f"{code(each.implementation)}{f' on {code(each.case)}' if several else ''}: {plain(each.status)}"
        + (f": {plain(each.reason)}" if each.reason else "")
        for each in view.failures
    ]


def _baseline(view: RunView, condition: Condition) -> Ranked | None:
    return next((each for each in view.ranking(condition) if each.is_baseline), None)


def _verdict(each: Ranked) -> str:
    word = "baseline" if each.is_baseline else each.word
    return word if each.steady else f"{word}; no steady state"
