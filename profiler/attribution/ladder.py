"""The ladder: from the article's loop down to the fastest manual implementation, and up to the library.

Each rung does without one named thing that the rung before has. Its time is predicted from the rung before, from that
rung's own budget and the exact counts of both, never from the rung's own time; then the prediction is held against it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from profiler.attribution.budget import Budget, budget_of, interval_around
from profiler.attribution.conditions import within
from profiler.attribution.draws import Draws
from profiler.attribution.evidence import Condition, Counts, Evidence, Floats, Timing
from profiler.attribution.gather import Cell, Gathered
from profiler.tables.summary import SUMMARY
from profiler.units import count, seconds, size

__all__ = ["RUNGS", "Rung", "ladder_table_rows"]

_NEAR = 0.1  # of the prediction: as good as the estimates it rests on


@dataclass(frozen=True)
class _Known:
    """Hold what a prediction may rest on: the rung before, and exact counts of this one."""

    before: Evidence
    budget: Budget
    counts: Counts | None
    scratch_bytes: float
    draws: Draws


@dataclass(frozen=True)
class Prediction:
    """Hold a rung's predicted seconds, replicates of shape (replicates,) and what they rest on, in words."""

    seconds: float
    replicates: Floats
    words: str


Predict = Callable[[_Known], Prediction | None]


@dataclass(frozen=True)
class Rung:
    """Name a rung: what it is, what it does without, and how its time is predicted; None where nothing foretells it."""

    implementation: str
    variant: str
    removes: str
    predict: Predict | None = None


def _fewer_operators(known: _Known) -> Prediction | None:
    """Take off the operators that are gone, at what one cost before, and count instructions at what one cost before."""
    before, counts = known.before.counts, known.counts
    if before is None or counts is None or not before.ops > 0 or not before.instructions > 0:
        return None
    operators, python = known.budget.row("dispatch"), known.budget.row("interpreter")
    gone = (before.ops - counts.ops) / before.ops
    more = (counts.instructions - before.instructions) / before.instructions
    words = (
        f"{count(before.ops - counts.ops)} operators less at {seconds(operators.seconds / before.ops)}, "
        f"{count(counts.instructions - before.instructions)} bytecode instructions more at "
        f"{seconds(python.seconds / before.instructions)}"
    )
    return _changed(known, -gone * operators.seconds + more * python.seconds,
                    -gone * operators.replicates + more * python.replicates, words)  # fmt: skip


def _fewer_instructions(known: _Known) -> Prediction | None:
    """Take off the bytecode instructions that are gone, at what one cost before."""
    before, counts = known.before.counts, known.counts
    if before is None or counts is None or not before.instructions > 0:
        return None
    python = known.budget.row("interpreter")
    gone = (before.instructions - counts.instructions) / before.instructions
    words = (
        f"{count(before.instructions - counts.instructions)} bytecode instructions less at "
        f"{seconds(python.seconds / before.instructions)}"
    )
    return _changed(known, -gone * python.seconds, -gone * python.replicates, words)


def _no_temporaries(known: _Known) -> Prediction | None:
    """Take off the operators, the Python around them and what they move between them: floor and arithmetic are left."""
    rows = [known.budget.row(cause) for cause in ("interpreter", "dispatch", "traffic", "allocation")]
    words = "less " + " and ".join(f"{row.cause} {seconds(row.seconds)}" for row in rows if row.seconds > 0)
    gone = math.fsum(row.seconds for row in rows)
    return _changed(known, -gone, -sum((row.replicates for row in rows), start=known.budget.replicates * 0.0), words)


def _no_arithmetic(known: _Known) -> Prediction | None:
    """Take off the work beyond the floor: what is left is the bound, calling, and fresh memory."""
    beyond = known.budget.row("arithmetic")
    if beyond.status == "not estimated":
        return None
    return _changed(known, -beyond.seconds, -beyond.replicates, f"less arithmetic {seconds(beyond.seconds)}")


def _scratch(known: _Known) -> Prediction | None:
    """Add the scratch inside the library's operators, written and read once at this machine's copy bandwidth."""
    if not math.isfinite(known.scratch_bytes):
        return None
    limit = known.before.ceilings.bandwidth(known.before.case.compulsory_bytes + known.scratch_bytes)
    if limit is None:
        return None
    words = f"{size(known.scratch_bytes)} of columns, written and read at {limit.value / 1e9:.3g} GB/s"
    moved = 2 * known.scratch_bytes
    return _changed(known, moved / limit.value, moved / limit.replicates(known.draws), words)


def _more_python(known: _Known) -> Prediction | None:
    """Add the layer's bytecode instructions at this machine's calibrated cost of one."""
    before, unit = known.before.counts, known.before.ceilings.limit("instruction")
    if before is None or known.counts is None or unit is None:
        return None
    more = known.counts.instructions - before.instructions
    words = f"{count(more)} bytecode instructions more at {seconds(unit.value)}"
    return _changed(known, more * unit.value, more * unit.replicates(known.draws), words)


def _changed(known: _Known, change: float, replicates: Floats, words: str) -> Prediction:
    # Less than nothing cannot be left over; where it is, more was put down to what is gone than there was.
    total, drawn = known.budget.seconds, known.budget.replicates
    return Prediction(max(0.0, total + change), (drawn + replicates).clip(min=0.0), words)


RUNGS: tuple[Rung, ...] = (
    Rung("article.numpy_loop", "", ""),
    Rung("python.loop", "", "NumPy calls on nine numbers at a time", _fewer_operators),
    Rung("numpy.shift_add", "", "a step of Python for every pixel", _fewer_instructions),
    Rung("c.direct", "", "operators and the temporaries between them", _no_temporaries),
    Rung("c.direct[-O3 -march=native]", "", "code for any processor of the platform"),
    Rung("c.simd", "", "a pass over the output for every tap: sums stay in registers", _no_arithmetic),
    Rung("c.simd", "output_buffer", "a fresh output for every call"),
    Rung("torch.conv2d", "", "a loop for this case alone: the library chooses among its own", _scratch),
    Rung("article.module", "inference_mode", "calling the function: the layer calls it", _more_python),
    Rung("article.module", "", "inference mode: gradients are prepared for"),
)


def ladder_table_rows(gathered: Gathered, condition: Condition, draws: Draws) -> list[dict[str, Any]]:
    """Give a row for every rung that was measured in a condition; none where fewer than two were."""
    measured = [(rung, timing) for rung in RUNGS if (timing := _timing(gathered, condition, rung)) is not None]
    if len(measured) < 2:
        return []
    rows: list[dict[str, Any]] = []
    for place, (rung, timing) in enumerate(measured):
        before = measured[place - 1] if place else None
        prediction = None
        if before is not None and rung.predict is not None:
            prediction = _predicted(gathered, condition, before[0], rung, draws)
        rows.append(_row(gathered, condition, place + 1, (rung, timing), before, prediction))
    return rows


def _timing(gathered: Gathered, condition: Condition, rung: Rung) -> Timing | None:
    if rung.implementation not in gathered.implementations(condition):
        return None
    return gathered.timing(Cell(rung.implementation, condition.case, rung.variant), condition)


def _predicted(gathered: Gathered, condition: Condition, before: Rung, rung: Rung, draws: Draws) -> Prediction | None:
    """Predict from the implementation of the rung before; one with switches thrown has no budget of its own."""
    evidence = gathered.evidence(before.implementation, condition)
    after = gathered.evidence(rung.implementation, condition)
    if evidence is None or rung.predict is None or after is None:
        return None
    known = _Known(evidence, budget_of(evidence, draws), after.counts, after.scratch_bytes, draws)
    return rung.predict(known)


def _row(
    gathered: Gathered,
    condition: Condition,
    place: int,
    this: tuple[Rung, Timing],
    before: tuple[Rung, Timing] | None,
    prediction: Prediction | None,
) -> dict[str, Any]:
    rung, timing = this
    low, high = interval_around(timing.value, timing.replicates, _processes(gathered, condition, rung))
    ends = (math.nan, math.nan)
    if prediction is not None:
        ends = interval_around(prediction.seconds, prediction.replicates, _processes(gathered, condition, rung))
    return {
        "case": condition.case,
        "device": condition.device,
        "threads": condition.threads,
        "rung": place,
        "implementation": rung.implementation,
        "variant": rung.variant,
        "removes": rung.removes if before is not None else "",
        "median_s": timing.value,
        "ci_low_s": low,
        "ci_high_s": high,
        "saved_s": before[1].value - timing.value if before is not None else math.nan,
        "predicted_s": prediction.seconds if prediction is not None else math.nan,
        "predicted_low_s": ends[0],
        "predicted_high_s": ends[1],
        "verdict": _verdict(timing, prediction, ends, _floor(gathered, condition, rung)),
        "evidence": prediction.words if prediction is not None else "",
    }


def _verdict(timing: Timing, prediction: Prediction | None, ends: Sequence[float], floor: float) -> str:
    if prediction is None:
        return "no prediction"
    near = abs(timing.value - prediction.seconds) <= _NEAR * prediction.seconds
    within_interval = ends[0] / (1 + floor) <= timing.value <= ends[1] * (1 + floor)
    return "came true" if near or within_interval else "missed"


def _processes(gathered: Gathered, condition: Condition, rung: Rung) -> int:
    resampled = gathered.replicates(condition.device, condition.threads)
    return int(resampled.processes[resampled.cells.index(Cell(rung.implementation, condition.case, rung.variant))])


def _floor(gathered: Gathered, condition: Condition, rung: Rung) -> float:
    summary = within(gathered.files.table(SUMMARY), condition)
    floors = summary[summary["implementation"] == rung.implementation]["aa_floor"]
    known = [float(floor) for floor in floors if pd.notna(floor)]
    return known[0] if known else 0.0
