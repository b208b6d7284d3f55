"""What the library does inside: one sentence for each implementation, from the rows of `library_path`."""

from __future__ import annotations

from profiler.attribution.evidence import Condition
from profiler.attribution.inside import inside_of
from profiler.report.escape import code, inline
from profiler.report.view import RunView
from profiler.tables.library_path import LIBRARY_PATH

__all__ = ["inside_list"]


def inside_list(view: RunView) -> list[str]:
    """Write one item for each implementation and case, numbers of threads apart only where they differ."""
    return [line for first in view.first_conditions for line in _of_case(view, first.case)]


def _of_case(view: RunView, case: str) -> list[str]:
    conditions = [condition for condition in view.conditions if condition.case == case]
    where = f" on {code(case)}" if len(view.manifest.cases) > 1 else ""
    lines = []
    for planned in view.manifest.implementations:
        told: dict[str, list[Condition]] = {}
        for condition in conditions:
            rows = view.rows(LIBRARY_PATH, condition)
            found = inside_of(rows[rows["implementation"] == planned.name])
            if found is not None:
                told.setdefault(found.sentence, []).append(condition)
        for sentence, alike in told.items():
            lines.append(f"{code(planned.name)}{where}{_threads(alike, apart=len(told) > 1)}: {inline(sentence)}")
    return lines


def _threads(alike: list[Condition], *, apart: bool) -> str:
    if not apart:
        return ""
    numbers = " and ".join(str(condition.threads) for condition in alike)
    return f" with {numbers} thread{'' if numbers == '1' else 's'}"
