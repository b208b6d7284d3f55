"""One gap between any two implementations of a run, for `convprof gap`."""

from __future__ import annotations

import math
import textwrap
from typing import Any

from profiler.attribution.gap import Gap, GapRow, gaps_for
from profiler.report.escape import visible
from profiler.report.threads import threads_of
from profiler.store import RunDirectory
from profiler.units import percent, seconds

__all__ = ["gap_object", "gap_text"]


def gap_object(run: RunDirectory, subject: str, baseline: str) -> dict[str, Any]:
    """Give the gap in every condition as plain values; raises UsageError where there is none."""
    return {
        "run": str(run.path),
        "subject": subject,
        "baseline": baseline,
        "gaps": [_plain_values(gap) for gap in gaps_for(run, subject, baseline)],
    }


def gap_text(run: RunDirectory, subject: str, baseline: str) -> str:
    """Write the gap in every condition for a terminal; raises UsageError where there is none."""
    return "\n\n".join(_text(gap) for gap in gaps_for(run, subject, baseline))


def _text(gap: Gap) -> str:
    condition = gap.condition
    threads = threads_of(condition)
    interval = f" (95 %: {_between(gap.low, gap.high)})" if math.isfinite(gap.low) else ""
    more = "more" if gap.seconds >= 0 else "less"
    lines = [
        f"{visible(gap.subject)} takes {seconds(abs(gap.seconds))} {more} a call than "
        f"{visible(gap.baseline)} on {condition.case}, {threads}{interval}"
    ]
    lines += [f"refused: {visible(reason)}" for reason in gap.refused]
    lines.append("")
    told = [row for row in gap.rows if row.seconds != 0 or row.cause == "residual"]
    lines += [_line(row) for row in told]
    silent = [row.cause for row in gap.rows if row.status == "not estimated" and row.cause != "autograd"]
    lines += ["", f"not estimated: {', '.join(silent)}"] if silent else []
    for row in told:
        text = f"{row.cause}: {visible(row.evidence)}"
        lines += ["", *textwrap.wrap(text, 110, subsequent_indent="  ", break_long_words=False)]
    return "\n".join(lines)


def _line(row: GapRow) -> str:
    interval = f"({_between(row.low, row.high)})" if math.isfinite(row.low) else ""
    amount, share = seconds(row.seconds, signed=True), percent(row.share)
    return f"  {row.cause:<12} {amount:>10} {share:>9}  {interval:<26} {row.status}"


def _between(low: float, high: float) -> str:
    return f"{seconds(low, signed=True)} to {seconds(high, signed=True)}"


def _plain_values(gap: Gap) -> dict[str, Any]:
    return {
        "case": gap.condition.case,
        "device": gap.condition.device,
        "threads": gap.condition.threads,
        "seconds": gap.seconds,
        "ci_low_s": _known(gap.low),
        "ci_high_s": _known(gap.high),
        "refused": list(gap.refused),
        "causes": [
            {
                "cause": row.cause,
                "seconds": row.seconds,
                "ci_low_s": _known(row.low),
                "ci_high_s": _known(row.high),
                "share": _known(row.share),
                "method": row.method,
                "status": row.status,
                "evidence": row.evidence,
            }
            for row in gap.rows
        ],
    }


def _known(value: float) -> float | None:
    """JSON has no NaN."""
    return value if math.isfinite(value) else None
