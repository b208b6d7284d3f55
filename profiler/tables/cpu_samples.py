"""Where CPU samples of each implementation fell, classed by library, symbol and calling context."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from profiler.stacks import Stacks
from profiler.tables.inputs import Inputs
from profiler.tables.schema import Table, count, number, text
from profiler.trace.sample_kinds import cause_of, classify

__all__ = ["CPU_SAMPLES", "build"]

CPU_SAMPLES = Table(
    "cpu_samples",
    "one symbol of one implementation's CPU samples, of the thread that calls",
    (
        text("implementation", "name of the implementation"),
        text("case", "case name; a smallest input's where that was sampled"),
        text("device", "cpu or cuda"),
        count("threads", "threads allowed"),
        text(
            "kind", "class of the sample, such as interpreter, blas or page_fault; unclassified where no rule knows it"
        ),
        text(
            "cause",
            "the cause that the class is put down to; compute is split over floor, traffic and arithmetic, calling "
            "over interpreter and dispatch by what is called",
        ),
        text("library", "file name of the shared object that the rule looked at"),
        text("symbol", "function that the rule looked at"),
        count("samples", "samples that fell there"),
        number("share", "samples over all of this implementation's"),
    ),
)


def build(inputs: Inputs) -> pd.DataFrame:
    """Give a row per symbol that decided a sample, the most frequent first for each implementation.

    What was sampled again has the rows of the last time.
    """
    latest = {(each.implementation, each.case, each.threads): each for each in inputs.sampled}
    rows: list[dict[str, object]] = []
    for sampled in latest.values():
        stacks = inputs.stacks(sampled)
        counts = _counted(stacks) if stacks is not None else Counter()
        total = sum(counts.values())
        rows += [
            {
                "implementation": sampled.implementation,
                "case": sampled.case,
                "device": sampled.device,
                "threads": sampled.threads,
                "kind": kind,
                "cause": cause_of(kind),
                "library": library,
                "symbol": symbol,
                "samples": number_,
                "share": number_ / total,
            }
            for (kind, library, symbol), number_ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        ]
    return CPU_SAMPLES.frame(rows)


def _counted(stacks: Stacks) -> Counter[tuple[str, str, str]]:
    counts: Counter[tuple[str, str, str]] = Counter()
    for stack in stacks.stacks:
        found = classify([stacks.frames[place] for place in stack.frames])
        counts[found.kind, found.frame.library, found.frame.symbol] += stack.count
    return counts
