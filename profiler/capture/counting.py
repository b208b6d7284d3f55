"""The counting pass: exact counts of one call, unprofiled, on a case and on its smallest inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from impls.case import ConvCase
from impls.contract import Implementation
from impls.data import as_given, make_data
from profiler.capture.array_protocols import recording, watched
from profiler.capture.array_traffic import ArrayTraffic
from profiler.capture.limits import (
    MOST_EVENTS,
    MOST_INSTRUCTIONS,
    MOST_OPERATORS,
    SLOW_CALL_S,
    extrapolated,
    smaller_case,
)
from profiler.capture.python_work import count_function_calls, count_instructions, peak_bytes
from profiler.capture.tally import Tally, TooMany
from profiler.capture.torch_operators import OperatorCounter
from profiler.counts import CallCounts, OpCount
from profiler.measure.device import Accelerator, Device, Processor
from profiler.measure.subject import Subject

__all__ = ["Prepared", "count_calls", "operators_in", "prepared_twice"]

# A linear forecast is too high for work that grows with an image's rows only, so counting is tried up to this much.
_HOPELESS = 20


@dataclass(frozen=True)
class Prepared:
    """Hold one implementation on one case, prepared twice: on plain inputs, and on inputs whose operators are seen."""

    implementation: Implementation
    case: ConvCase
    plain: Subject
    seen: Subject


def prepared_twice(implementation: Implementation, case: ConvCase, seed: int, device: Device | None = None) -> Prepared:
    """Prepare an implementation for counting; one on tensors once, since the dispatcher shows its operators anyway."""
    data = make_data(case, seed)
    device = device or Processor()

    def subject(inputs: Sequence[object]) -> Subject:
        return Subject(implementation.prepare(case, *inputs), implementation.grad_mode, device=device)

    plain = subject(as_given(implementation, data, device.name))
    if implementation.arrays != "numpy":
        return Prepared(implementation, case, plain, plain)
    return Prepared(implementation, case, plain, subject([watched(array) for array in as_given(implementation, data)]))


def operators_in(counts: CallCounts) -> int | None:
    """Give how many operators a call dispatches; None where they were not counted."""
    return None if counts.ops is None else sum(op.calls for op in counts.ops)


def count_calls(prepared: Prepared, units: Sequence[Prepared], seconds_per_call: float) -> list[CallCounts]:
    """Count a call on the case and one on each smallest input, the case first.

    From the smallest inputs follows what counting the case would cost; where that is hopeless it is not tried.
    """
    smallest = [_counted(unit, seconds_per_call=0.0) for unit in units]
    operators = _forecast(prepared.case, units, [operators_in(counts) for counts in smallest])
    instructions = _forecast(prepared.case, units, [counts.instructions for counts in smallest])
    return [_counted(prepared, seconds_per_call, operators, instructions), *smallest]


def _forecast(case: ConvCase, units: Sequence[Prepared], counts: Sequence[int | None]) -> int:
    known = [(unit.case, count) for unit, count in zip(units, counts, strict=True) if count is not None]
    return extrapolated(case, known[0], known[1]) if len(known) == 2 else 0


def _counted(prepared: Prepared, seconds_per_call: float, operators: int = 0, instructions: int = 0) -> CallCounts:
    """Count one call, with a forecast of its operators and instructions, 0 where there is none."""
    reasons: list[str] = []
    slow = seconds_per_call > SLOW_CALL_S
    with prepared.plain.context():
        if not slow:
            prepared.plain.call()  # what happens once, such as an import within the function, is not counted
        ops = _operators(prepared, operators, reasons)
        instruction_count, functions, peak = None, None, None
        if slow:
            reasons.append(f"Python's work was not counted: a call takes {seconds_per_call:.1f} s")
        else:
            if instructions <= _HOPELESS * MOST_INSTRUCTIONS:
                instruction_count = count_instructions(prepared.plain.call, MOST_INSTRUCTIONS)
                functions = count_function_calls(prepared.plain.call, MOST_INSTRUCTIONS)
            if instruction_count is None:
                reasons.append(f"instructions were not counted: more than {MOST_INSTRUCTIONS:,} in a call")
            if prepared.implementation.arrays == "numpy":
                peak = peak_bytes(prepared.plain.call)
            elif isinstance(prepared.plain.device, Accelerator):
                peak = prepared.plain.device.peak_bytes(prepared.plain.call)
    return CallCounts(
        implementation=prepared.implementation.name,
        case=prepared.case.name,
        ops=ops,
        instructions=instruction_count,
        python_calls=None if functions is None else functions.python,
        c_calls=None if functions is None else functions.builtin,
        peak_bytes=peak,
        reason="; ".join(reasons),
    )


def _operators(prepared: Prepared, forecast: int, reasons: list[str]) -> list[OpCount] | None:
    tally = Tally(MOST_OPERATORS)
    if forecast <= _HOPELESS * MOST_OPERATORS:
        try:
            with recording(ArrayTraffic(tally)), OperatorCounter(tally):
                prepared.seen.call()
        except TooMany:
            pass
        if not tally.exceeded:
            return tally.op_counts()
    number = f"about {forecast:,}" if forecast > MOST_OPERATORS else f"more than {MOST_OPERATORS:,}"
    smaller = smaller_case(prepared.case, max(forecast, tally.seen)).name
    reasons.append(
        f"operators were neither counted nor recorded: {number} in a call would make a trace of more than "
        f"{MOST_EVENTS:,} events; try --case {smaller}"
    )
    return None
