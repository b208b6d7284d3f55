"""The report's first line: how many times the library's time a manual convolution takes here, and why."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from profiler.attribution.causes import RESIDUAL
from profiler.attribution.evidence import Condition
from profiler.attribution.gap import ALSO
from profiler.report.escape import code
from profiler.report.view import Ranked, RunView
from profiler.tables.counts import COUNTS
from profiler.tables.launches import LAUNCHES
from profiler.tables.memory import MEMORY
from profiler.tables.schema import Table
from profiler.units import count, percent, ratio

__all__ = ["refusals_of", "verdict"]

_ARTICLE = ("article.numpy_loop", "article.torch_loop")
_MOST_CAUSES = 2
_LEAST_SHARE = 0.1
_ENOUGH = 0.8

_WORDS = {
    "interpreter": "Python bytecode",
    "dispatch": "operator dispatch",
    "autograd": "gradient bookkeeping",
    "idle": "waiting, on no processor",
    "launch": "kernel launches that nothing hides",
    "threads": "starting threads, barriers and spinning",
    "allocation": "page faults of fresh memory",
    "traffic": "bytes moved beyond the compulsory ones",
    "arithmetic": "work in kernels beyond the floor",
    "floor": "the machine's own limits",
}

_WORDS_ON_DEVICE = {
    "idle": "the device's gaps and waits",
    "allocation": "taking and returning the device's memory",
    "arithmetic": "work in the device's kernels beyond the floor",
    "floor": "the device's own limits",
}
_Counted = tuple[Table, str, str]
_COUNTED: Mapping[str, _Counted] = {
    "interpreter": (COUNTS, "instructions", "bytecode instructions"),
    "dispatch": (COUNTS, "ops", "operators"),
    "allocation": (MEMORY, "minor_faults", "page faults"),
}
_COUNTED_ON_DEVICE: Mapping[str, _Counted] = {
    "interpreter": _COUNTED["interpreter"],
    "dispatch": _COUNTED["dispatch"],
    "launch": (LAUNCHES, "kernel_launches", "launches"),
}


def verdict(view: RunView, condition: Condition) -> str:
    """Write the verdict on one condition as one line of Markdown."""
    ranking = view.ranking(condition)
    baseline = next((each for each in ranking if each.is_baseline), None)
    start = f"Here, on {code(condition.case)} {_with(condition)},"
    if baseline is None:
        return f"{start} nothing can be compared: the baseline {code(view.manifest.baseline)} has no median."
    subjects = _subjects(view, ranking)
    if not subjects:
        return f"{start} nothing was measured beside the baseline {code(view.manifest.baseline)}."
    first, *others = subjects
    told = f"{start} {_told(first)[0]} the time of {code(baseline.implementation)}{_told(first)[1]}"
    told += _because(view, first, condition)
    for other in others:
        name, interval = _told(other)
        told += f"; {name}{interval}{_because(view, other, condition)}"
    return f"{told}."


def refusals_of(gap: pd.DataFrame) -> list[str]:
    """Give the reasons for which a gap's causes are refused, none where they are not."""
    reasons = next((str(refusal) for refusal in gap["refusal"] if pd.notna(refusal) and refusal), "")
    return reasons.split(ALSO) if reasons else []


def _subjects(view: RunView, ranking: tuple[Ranked, ...]) -> list[Ranked]:
    """Choose whom the line is about: what the reader brought, else the article's loop and the fastest manual one."""
    asked = {planned.name for planned in view.manifest.implementations if planned.asked_for}
    others = [each for each in ranking if not each.is_baseline and math.isfinite(each.ratio)]
    own = [each for each in others if each.implementation in asked]
    if own:
        return [own[-1], own[0]] if len(own) > 1 else own
    manual = [each for each in others if each.family == "manual"]
    if not manual:
        return others[-1:]
    # The first of the article's loops that runs here; on a device that is not its loop on the CPU, however slow.
    loops = {each.implementation: each for each in manual}
    slow = next((loops[name] for name in _ARTICLE if name in loops), manual[-1])
    return [slow] if slow is manual[0] else [slow, manual[0]]


def _told(subject: Ranked) -> tuple[str, str]:
    interval = "too few processes for an interval"
    if math.isfinite(subject.ratio_low):
        interval = f"95 %: {ratio(subject.ratio_low)} to {ratio(subject.ratio_high)}"
    return f"{code(subject.implementation)} takes {ratio(subject.ratio)}", f" ({interval})"


def _because(view: RunView, subject: Ranked, condition: Condition) -> str:
    if subject.word == "unclear":
        return ", too close to tell" if math.isfinite(subject.ratio_low) else ""
    if subject.word == "same":
        return ", the same within 5 %"
    gap = view.gap(subject.implementation, condition)
    if gap.empty:
        return ""
    refused = refusals_of(gap)
    if refused:
        return f", no cause told: {view.told(_weightiest(refused))}"
    causes = _largest(gap)
    if not causes:
        return ", of which no single cause explains a tenth"
    who = subject.implementation if subject.word == "slower" else view.manifest.baseline
    told = " and ".join(_cause(view, cause, gap, who, condition) for cause in causes)
    return f", because of {told}" if subject.word == "slower" else f", because it saves {told}"


def _weightiest(refused: list[str]) -> str:
    """Choose the reason to name and shorten it: that processes disagree says less than any other."""
    first = min(refused, key=lambda reason: reason.startswith("processes disagree"))
    return first.partition(": ")[0].partition(", more than")[0]


def _largest(gap: pd.DataFrame) -> list[str]:
    """Choose the causes that explain most of the gap, the residual not among them."""
    estimated = gap[gap["status"].isin(("confirmed", "unconfirmed", "joint")) & (gap.index != RESIDUAL)]
    ordered = estimated[estimated["share"] >= _LEAST_SHARE].sort_values("share", ascending=False)
    chosen: list[str] = []
    for cause, share in ordered["share"].items():
        if len(chosen) == _MOST_CAUSES or float(ordered.loc[chosen, "share"].sum()) >= _ENOUGH:
            break
        if share > 0:
            chosen.append(str(cause))
    return chosen


def _cause(view: RunView, cause: str, gap: pd.DataFrame, who: str, condition: Condition) -> str:
    counts = _COUNTED if condition.device == "cpu" else _COUNTED_ON_DEVICE
    table, column, noun = counts.get(cause, (None, "", ""))
    known = math.nan if table is None else view.figure(table, who, condition, column)
    # "1 operators" says nothing: what a single call costs is then in the table.
    counted = f": {count(known)} {noun}" if math.isfinite(known) and known > 1 else ""
    row = gap[gap.index == cause].iloc[0]
    words = _WORDS if condition.device == "cpu" else {**_WORDS, **_WORDS_ON_DEVICE}
    return f"{words.get(cause, cause)} ({percent(float(row['share']))} of the gap, {row['status']}{counted})"


def _with(condition: Condition) -> str:
    if condition.device != "cpu":
        return f"with {code(condition.device)}"
    return "with one thread" if condition.threads == 1 else f"with {condition.threads} threads"
