"""A run in short: what `convprof analyze` prints at its end."""

from __future__ import annotations

import math
import re
from typing import Any

from profiler.report.completeness import missing_parts
from profiler.report.escape import visible
from profiler.report.markdown import verdicts
from profiler.report.view import Ranked, RunView
from profiler.store import RunDirectory
from profiler.units import ratio, seconds

__all__ = ["overview", "overview_text", "spoken"]


def overview(run: RunDirectory) -> dict[str, Any]:
    """Give a run's verdict, ranking, failures and files as plain values; what is not known is None."""
    view = RunView(run)
    told, missing = [spoken(line) for line in verdicts(view)], missing_parts(view)
    return {
        "run": str(run.path),
        "verdict": told[0],
        "verdicts": told,
        "complete": not missing,
        "missing": missing,
        "baseline": view.manifest.baseline,
        "ranking": [
            _row(each, condition.case, condition.threads)
            for condition in view.conditions
            for each in view.ranking(condition)
        ],
        "failures": [
            {"implementation": each.implementation, "case": each.case, "status": each.status, "reason": each.reason}
            for each in view.failures
        ],
        "warnings": [{"code": notice.code, "text": notice.text} for notice in view.files.notices],
        "files": {
            "report": str(run.report_path),
            "html": str(run.html_path),
            "tables": str(run.tables),
            "traces": str(run.traces),
            "samples": str(run.samples_path),
        },
    }


def overview_text(run: RunDirectory) -> str:
    """Write the verdict, the ranking with the fewest threads and where the report is, for a terminal."""
    view = RunView(run)
    missing = missing_parts(view)
    lines = [f"Partial run: {'; '.join(missing)}", ""] if missing else []
    for line, condition in zip(verdicts(view), view.first_conditions or (None,), strict=True):
        lines += [spoken(line), ""]
        if condition is not None:
            lines += [*_ranking_lines(view.ranking(condition)), ""]
    lines += [f"{len(view.failures)} not ranked; the report says why."] if view.failures else []
    return "\n".join([*lines, f"report  {run.report_path}", f"        {run.html_path}"])


def spoken(markdown: str) -> str:
    """Take the Markdown out of a line that the report wrote."""
    return re.sub(r"\\([\\`*_\[<|~$&#+=>.)-])|`", lambda found: found[1] or "", markdown)


def _ranking_lines(ranking: tuple[Ranked, ...]) -> list[str]:
    names = [visible(each.implementation) for each in ranking]
    width = max(map(len, names), default=0)
    return [
        f"  {name:<{width}}  {seconds(each.median_s):>9}  "
        + ("baseline" if each.is_baseline else f"{ratio(each.ratio):>8}  {each.word}")
        for name, each in zip(names, ranking, strict=True)
    ]


def _row(each: Ranked, case: str, threads: int) -> dict[str, Any]:
    return {
        "implementation": each.implementation,
        "family": each.family,
        "case": case,
        "threads": threads,
        "median_s": _known(each.median_s),
        "ci_low_s": _known(each.low_s),
        "ci_high_s": _known(each.high_s),
        "ratio": _known(each.ratio),
        "ratio_ci_low": _known(each.ratio_low),
        "ratio_ci_high": _known(each.ratio_high),
        "verdict": "baseline" if each.is_baseline else each.word,
    }


def _known(value: float) -> float | None:
    """JSON has no NaN."""
    return value if math.isfinite(value) else None
