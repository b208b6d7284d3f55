"""What the library does inside: one sentence for each implementation, from the rows of `library_path`."""

from __future__ import annotations

from collections.abc import Sequence

from profiler.attribution.evidence import Condition
from profiler.attribution.inside import inside_of
from profiler.report.escape import code, inline
from profiler.report.view import RunView
from profiler.tables.library_path import LIBRARY_PATH

__all__ = ["inside_list"]


def inside_list(view: RunView) -> list[str]:
    """Write one item for each implementation and sentence; cases that it is said of alike are named together."""
    lines: dict[tuple[str, str, str], list[str]] = {}
    for planned in view.manifest.implementations:
        for case in view.manifest.cases:
            told = _told(view, planned.name, [each for each in view.conditions if each.case == case])
            for sentence, threads in told.items():
                apart = f" with {_threads(threads)}" if len(told) > 1 else ""
                lines.setdefault((planned.name, apart, sentence), []).append(case)
    several = len(view.manifest.cases) > 1
    return [
        f"{code(name)}{apart}{_where(cases) if several else ''}: {inline(sentence)}"
        for (name, apart, sentence), cases in lines.items()
    ]


def _told(view: RunView, implementation: str, conditions: Sequence[Condition]) -> dict[str, list[int]]:
    """Give what is said of one implementation on one case, with the numbers of threads it is said of."""
    told: dict[str, list[int]] = {}
    for condition in conditions:
        rows = view.rows(LIBRARY_PATH, condition)
        found = inside_of(rows[rows["implementation"] == implementation])
        if found is not None:
            told.setdefault(found.sentence, []).append(condition.threads)
    return told


def _threads(threads: Sequence[int]) -> str:
    """Write which numbers of threads."""
    return f"{' and '.join(map(str, threads))} thread{'s' if list(threads) != [1] else ''}"


def _where(cases: Sequence[str]) -> str:
    return f" on {', '.join(map(code, cases))}"
