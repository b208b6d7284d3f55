"""The estimators: each puts seconds of one call down to one cause, or gives None where the run lacks what it needs.

Replicates carry both the resampling of the times and, for unit costs known only within a range, a draw from that range
that all implementations of the run share.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from profiler.attribution.ceilings import Limit
from profiler.attribution.draws import Draws
from profiler.attribution.evidence import Evidence, Floats, Timing
from profiler.attribution.fixed import Fixed, fixed_cost
from profiler.units import count, percent, seconds, significant, size

__all__ = ["ESTIMATORS", "Estimate", "Method", "Status"]

Method = Literal["switch", "sample", "count", "bound", "remainder", "none"]
Status = Literal["confirmed", "unconfirmed", "joint", "refused", "not estimated"]

_GRAD_SWITCH = "inference_mode"
_CPU_CLOCK_ERROR = 0.02  # of the wall time of a block of 1 ms: reading getrusage around it takes some microseconds


@dataclass(frozen=True)
class Estimate:
    """Hold one estimator's answer: seconds per call, replicates (shape (replicates,)) and what a reader can check."""

    cause: str
    seconds: float
    replicates: Floats
    method: Method
    status: Status
    evidence: str


def interpreter(evidence: Evidence, draws: Draws) -> Estimate | None:
    """Multiply the bytecode instructions by this machine's cost of one, at most the fixed cost.

    The cost of an instruction depends on which it is; the calibrated range is wide, and so is this interval. Where
    instructions are all that grows with the image, their cost is measured on the implementation itself.
    """
    fixed, unit = fixed_cost(evidence), evidence.ceilings.limit("instruction")
    if fixed is None or unit is None or evidence.counts is None or not math.isfinite(evidence.counts.instructions):
        return None
    instructions = evidence.counts.instructions
    if fixed.driver == "instructions" and fixed.factor and evidence.units is not None:
        return _interpreter_from_growth(instructions, evidence.units[0].counts.instructions, fixed, unit, draws)
    value = min(instructions * unit.value, fixed.seconds)
    words = f"{count(instructions)} bytecode instructions x {_range(unit)} calibrated here"
    if value < instructions * unit.value:
        words += f", cut to the {fixed.words}"
    replicates = np.minimum(instructions * unit.replicates(draws), fixed.replicates)
    return Estimate("interpreter", value, replicates, "count", "unconfirmed", words)


def _interpreter_from_growth(whole: float, first: float, fixed: Fixed, unit: Limit, draws: Draws) -> Estimate:
    """Put what grows with the instructions down to them, up to the dearest instruction that was calibrated.

    What they cost beyond that is work they call, which no operator shows; it stays with the fixed cost.
    """
    grown, growths = fixed.seconds - fixed.start, fixed.replicates - fixed.start_replicates
    most = (whole - first) * unit.high
    value = min(first * unit.value, fixed.start) + min(grown, most)
    replicates = np.minimum(first * unit.replicates(draws), fixed.start_replicates) + np.minimum(growths, most)
    words = (
        f"{count(whole)} bytecode instructions, all that grows with the image, x {seconds(grown / (whole - first))}, "
        f"from the same function on smallest inputs; {_range(unit)} calibrated here"
    )
    if grown > most:
        words += "; no more than the dearest calibrated is taken"
    return Estimate("interpreter", value, replicates, "count", "unconfirmed", words)


def dispatch(evidence: Evidence, draws: Draws) -> Estimate | None:
    """Take from the fixed cost what the interpreter, the gradient mode, waiting and page faults explain of it."""
    fixed = fixed_cost(evidence)
    if fixed is None:
        return None
    value, replicates = fixed.seconds, fixed.replicates
    less = []
    for part in (interpreter(evidence, draws), autograd(evidence, draws)):
        if part is not None and part.seconds > 0:
            value, replicates = value - part.seconds, replicates - part.replicates
            less.append(f"{part.cause} {seconds(part.seconds)}")
    if waiting := _in_fixed_cost(evidence, lambda unit: _off_cpu(unit.timing)):
        value, replicates = value - waiting, replicates - waiting
        less.append(f"idle {seconds(waiting)}")
    fault = evidence.ceilings.limit("page_fault")
    if fault is not None and (faults := _in_fixed_cost(evidence, lambda unit: unit.timing.minor_faults)):
        value, replicates = value - faults * fault.value, replicates - faults * fault.replicates(draws)
        less.append(f"allocation {seconds(faults * fault.value)}")
    taken = f", less {' and '.join(less)}" if less else ""
    steps = ""
    if fixed.driver != "operators" and evidence.counts is not None and math.isfinite(evidence.counts.ops):
        steps = f"{count(evidence.counts.ops)} operator{'' if evidence.counts.ops == 1 else 's'}; "
    return Estimate(
        "dispatch", max(0.0, value), np.maximum(0.0, replicates), "count", "unconfirmed", f"{steps}{fixed.words}{taken}"
    )


def autograd(evidence: Evidence, draws: Draws) -> Estimate | None:  # noqa: ARG001 - one signature for all
    """Take the time with the gradient mode removed from the time as it is, measured in the same rounds."""
    without = evidence.variants.get(_GRAD_SWITCH)
    if without is None:
        return None
    return Estimate(
        "autograd",
        evidence.total.value - without.value,
        evidence.total.replicates - without.replicates,
        "switch",
        "confirmed",
        f"{seconds(evidence.total.value)} as it is, {seconds(without.value)} under {_GRAD_SWITCH}, same rounds",
    )


def idle(evidence: Evidence, draws: Draws) -> Estimate | None:  # noqa: ARG001 - one signature for all
    """Take the processor time of an unprofiled call from its wall time: what is left it spent on no processor.

    With several threads the sum of their processor time says nothing of waiting.
    """
    total = evidence.total
    if evidence.condition.threads > 1 or not math.isfinite(total.off_cpu):
        return None
    waiting = _off_cpu(total)
    return Estimate(
        "idle",
        waiting,
        waiting / total.value * total.replicates,
        "count",
        "confirmed",
        f"{seconds(total.value)} of wall time, of which {seconds(max(0.0, total.off_cpu))} on no processor"
        + ("" if waiting else f": under {percent(_CPU_CLOCK_ERROR)}, what the two clocks tell apart"),
    )


def allocation(evidence: Evidence, draws: Draws) -> Estimate | None:
    """Multiply the page faults of an unprofiled call by the cost of one."""
    unit, faults = evidence.ceilings.limit("page_fault"), evidence.total.minor_faults
    if unit is None or not math.isfinite(faults):
        return None
    words = f"{count(faults)} minor page faults a call x {_range(unit)}"
    return Estimate("allocation", faults * unit.value, faults * unit.replicates(draws), "count", "unconfirmed", words)


def traffic(evidence: Evidence, draws: Draws) -> Estimate | None:
    """Divide the bytes beyond the compulsory and the fixed cost's by the copy bandwidth.

    They are what operators read and write, and the scratch they allocate inside themselves, such as the columns that a
    library copies an image into before a matrix product: it is written and read at least once.
    """
    if evidence.counts is None or evidence.units is None or not math.isfinite(evidence.counts.op_bytes):
        return None
    compulsory = float(evidence.case.compulsory_bytes)
    limit = evidence.ceilings.bandwidth(_working_set(evidence))
    if limit is None or evidence.counts.op_bytes < compulsory:  # then the work is done where no operator is seen
        return None
    expected = _in_fixed_cost(evidence, lambda unit: unit.counts.op_bytes)
    scratch = evidence.scratch_bytes if math.isfinite(evidence.scratch_bytes) else 0.0
    between = max(0.0, evidence.counts.op_bytes - expected - compulsory)
    words = f"{size(between)} between operators beyond the {size(compulsory)} compulsory"
    if expected >= 1:
        words += f" and the {size(expected)} in the fixed cost"
    if scratch:
        words += f", {size(scratch)} scratch inside them, written and read at least once"
    beyond = between + 2 * scratch
    return Estimate(
        "traffic",
        beyond / limit.value,
        beyond / limit.replicates(draws),
        "count",
        "unconfirmed",
        f"{words}, copied at {_speed(limit, 'GB/s')}",
    )


def floor(evidence: Evidence, draws: Draws) -> Estimate | None:
    """Bound the call from below by FLOPs over the multiply-add peak and compulsory bytes over the copy bandwidth.

    Source: S. Williams, A. Waterman, D. Patterson, Roofline, Communications of the ACM 52 (4), 2009.
    """
    flops, moved = float(evidence.case.flops), float(evidence.case.compulsory_bytes)
    # The bound is the case's: what an implementation allocates besides must not change it.
    peak, copying = evidence.ceilings.limit("multiply_add_peak"), evidence.ceilings.bandwidth(moved)
    if peak is None or copying is None:
        return None
    value = max(flops / peak.value, moved / copying.value)
    replicates = np.maximum(flops / peak.replicates(draws), moved / copying.replicates(draws))
    words = (
        f"larger of {count(flops)} FLOP at {_speed(peak, 'GFLOP/s')} ({seconds(flops / peak.value)}) and "
        f"{size(moved)} at {_speed(copying, 'GB/s')} ({seconds(moved / copying.value)})"
    )
    if value > evidence.total.value:
        words += "; the call takes less, so these limits are too low here, and the row is cut to the median"
        return Estimate(
            "floor",
            evidence.total.value,
            np.minimum(replicates, evidence.total.replicates),
            "bound",
            "unconfirmed",
            words,
        )
    return Estimate("floor", value, replicates, "bound", "confirmed", words)


ESTIMATORS: tuple[Callable[[Evidence, Draws], Estimate | None], ...] = (
    interpreter,
    dispatch,
    autograd,
    idle,
    allocation,
    traffic,
    floor,
)


def _off_cpu(timing: Timing) -> float:
    """Give the seconds on no processor; 0 where they are no more than the error of two clocks over one block."""
    waiting = timing.off_cpu
    return waiting if math.isfinite(waiting) and waiting > _CPU_CLOCK_ERROR * timing.value else 0.0


def _in_fixed_cost(evidence: Evidence, quantity: Callable[..., float]) -> float:
    """Scale a quantity of the smallest inputs to the case; 0 where it is not known."""
    fixed: Fixed | None = fixed_cost(evidence)
    if fixed is None or evidence.units is None:
        return 0.0
    small, large = (quantity(unit) for unit in evidence.units)
    return fixed.scaled(small, large) if math.isfinite(small) and math.isfinite(large) else 0.0


def _working_set(evidence: Evidence) -> float:
    peak = evidence.peak_bytes if math.isfinite(evidence.peak_bytes) else 0.0
    return evidence.case.compulsory_bytes + peak


def _range(unit: Limit) -> str:
    return f"{seconds(unit.value)} ({seconds(unit.low)} to {seconds(unit.high)})"


def _speed(limit: Limit, unit: str) -> str:
    return f"{significant(limit.value / 1e9)} {unit}"
