"""Estimators by count: exact counts of one call times unit costs measured unprofiled on this machine.

Each gives None where the run lacks what it needs.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from profiler.attribution.ceilings import Limit
from profiler.attribution.draws import Draws
from profiler.attribution.estimate import Estimate
from profiler.attribution.evidence import Counts, Evidence, Timing
from profiler.attribution.fixed import Fixed, fixed_cost
from profiler.attribution.switch import autograd
from profiler.attribution.words import speed, unit_range
from profiler.units import count, percent, seconds, size

__all__ = [
    "CPU_CLOCK_ERROR",
    "allocation",
    "between_operators",
    "dispatch",
    "dispatch_beside",
    "idle",
    "in_and_out_of_waits",
    "interpreter",
    "modelled_traffic",
    "traffic",
    "waiting_of",
]

CPU_CLOCK_ERROR = 0.02  # of the wall time of a block of 1 ms: reading the clocks around it takes some microseconds


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
    words = f"{count(instructions)} bytecode instructions x {unit_range(unit)} calibrated here"
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
        f"from the same function on smallest inputs; {unit_range(unit)} calibrated here"
    )
    if grown > most:
        words += "; no more than the dearest calibrated is taken"
    return Estimate("interpreter", value, replicates, "count", "unconfirmed", words)


def dispatch(evidence: Evidence, draws: Draws) -> Estimate | None:
    """Take from the fixed cost what the interpreter, the gradient mode, waiting and page faults explain of it.

    What the interpreter takes is counted here; see `dispatch_beside` for where it is known better.
    """
    return dispatch_beside(interpreter(evidence, draws), evidence, draws)


def dispatch_beside(python: Estimate | None, evidence: Evidence, draws: Draws) -> Estimate | None:
    """Do so with another estimate of what the interpreter takes."""
    fixed = fixed_cost(evidence)
    if fixed is None:
        return None
    value, replicates = fixed.seconds, fixed.replicates
    less = []
    for part in (python, autograd(evidence, draws)):
        if part is not None and part.seconds > 0:
            value, replicates = value - part.seconds, replicates - part.replicates
            less.append(f"{part.cause} {seconds(part.seconds)}")
    if waiting := _in_fixed_cost(evidence, lambda unit: waiting_of(unit.timing)):
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


def idle(evidence: Evidence, draws: Draws) -> Estimate | None:  # noqa: ARG001 - one signature for all
    """Take the processor time of the calling thread from the wall time of an unprofiled call.

    With several threads, what it waits beyond what it waits with one is waiting for its own threads: see `threads`.
    """
    total = evidence.total
    if not math.isfinite(total.off_cpu):
        return None
    waiting = waiting_of(total)
    words = f"{seconds(total.value)} of wall time, of which {seconds(max(0.0, total.off_cpu))} on no processor"
    if not waiting:
        words += f": under {percent(CPU_CLOCK_ERROR)}, what the two clocks tell apart"
    elif evidence.condition.threads > 1 and math.isfinite(evidence.serial_off_cpu):
        waiting = min(waiting, max(0.0, evidence.serial_off_cpu))
        words += f"; {seconds(waiting)} with one thread, the rest is waiting for its own threads"
    if evidence.other_threads:
        words += f"; {evidence.other_threads}"
    return Estimate("idle", waiting, waiting / total.value * total.replicates, "count", "confirmed", words)


def in_and_out_of_waits(evidence: Evidence, draws: Draws) -> Estimate | None:
    """Multiply the waits of the calling thread by the processor time that entering and leaving one costs.

    With several threads waits are the threads' business, and what they cost is not told here.
    """
    unit, waits = evidence.ceilings.limit("wait"), evidence.total.waits
    if unit is None or not math.isfinite(waits) or evidence.condition.threads > 1 or not waiting_of(evidence.total):
        return None
    words = f"{count(waits)} wait{'' if waits == 1 else 's'} x {unit_range(unit)} on a processor"
    return Estimate("idle", waits * unit.value, waits * unit.replicates(draws), "count", "unconfirmed", words)


def allocation(evidence: Evidence, draws: Draws) -> Estimate | None:
    """Multiply the page faults of an unprofiled call by the cost of one."""
    unit, faults = evidence.ceilings.limit("page_fault"), evidence.total.minor_faults
    if unit is None or not math.isfinite(faults):
        return None
    words = f"{count(faults)} minor page faults a call x {unit_range(unit)}"
    return Estimate("allocation", faults * unit.value, faults * unit.replicates(draws), "count", "unconfirmed", words)


def traffic(evidence: Evidence, draws: Draws) -> Estimate | None:
    """Divide the bytes beyond the compulsory and the fixed cost's by the copy bandwidth."""
    found = modelled_traffic(evidence)
    if found is None:
        return None
    beyond, limit, words = found
    return Estimate(
        "traffic",
        beyond / limit.value,
        beyond / limit.replicates(draws),
        "count",
        "unconfirmed",
        f"{words}, copied at {speed(limit, 'GB/s')}",
    )


def modelled_traffic(evidence: Evidence) -> tuple[float, Limit, str] | None:
    """Count the bytes moved beyond what the case needs, and give the bandwidth they move at, and words for both.

    They are what operators read and write, and the scratch they allocate inside themselves, such as the columns that a
    library copies an image into before a matrix product: it is written and read at least once.
    """
    return _moved(evidence, lambda counts: counts.op_bytes, passes=2)


def between_operators(evidence: Evidence) -> tuple[float, Limit, str] | None:
    """Count so without operators that only copy, and scratch once: samples show copies as they are."""
    return _moved(evidence, lambda counts: counts.op_bytes - counts.copy_bytes, passes=1)


def _moved(evidence: Evidence, bytes_of: Callable[[Counts], float], *, passes: int) -> tuple[float, Limit, str] | None:
    if evidence.counts is None or evidence.units is None or not math.isfinite(evidence.counts.op_bytes):
        return None
    compulsory = float(evidence.case.compulsory_bytes)
    limit = evidence.ceilings.bandwidth(_working_set(evidence))
    if limit is None or evidence.counts.op_bytes < compulsory:  # then the work is done where no operator is seen
        return None
    expected = _in_fixed_cost(evidence, lambda unit: bytes_of(unit.counts))
    scratch = evidence.scratch_bytes if math.isfinite(evidence.scratch_bytes) else 0.0
    between = max(0.0, bytes_of(evidence.counts) - expected - compulsory)
    words = f"{size(between)} between operators beyond the {size(compulsory)} compulsory"
    if expected >= 1:
        words += f" and the {size(expected)} in the fixed cost"
    if scratch:
        words += f", {size(scratch)} scratch inside them" + (", written and read at least once" if passes > 1 else "")
    return between + passes * scratch, limit, words


def waiting_of(timing: Timing) -> float:
    """Give the seconds on no processor; 0 where they are no more than the error of two clocks over one block."""
    waiting = timing.off_cpu
    return waiting if math.isfinite(waiting) and waiting > CPU_CLOCK_ERROR * timing.value else 0.0


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
