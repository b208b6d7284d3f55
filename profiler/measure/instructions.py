"""What one bytecode instruction costs: small pieces of Python of different kinds, counted exactly and timed."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from types import FrameType
from typing import Any

__all__ = ["SNIPPETS", "count_instructions", "instruction_costs"]

_ITERATIONS = 20_000
_REPEATS = 3


class _Point:
    def __init__(self) -> None:
        self.x = 1.0
        self.y = 2.0


def _arithmetic(iterations: int) -> None:
    total = 0
    for index in range(iterations):
        total = (total + index * 3) & 1023


def _attributes(iterations: int) -> None:
    point = _Point()
    for _ in range(iterations):
        point.x, point.y = point.y, point.x


def _add(left: int, right: int) -> int:
    return left + right


def _python_calls(iterations: int) -> None:
    total = 0
    for index in range(iterations):
        total = _add(index, total) & 1023


def _builtin_calls(iterations: int) -> None:
    values = (1, 2, 3)
    total = 0
    for index in range(iterations):
        total = len(values) + abs(index)
    _add(total, 0)


def _indexing(iterations: int) -> None:
    values = [0.0] * 8
    for index in range(iterations):
        values[index & 7] = values[(index + 1) & 7]


SNIPPETS: tuple[Callable[[int], None], ...] = (_arithmetic, _attributes, _python_calls, _builtin_calls, _indexing)


@dataclass
class _Counter:
    """Be a trace function that counts the instructions of every frame it sees."""

    seen: int = 0

    def __call__(self, frame: FrameType, event: str, _argument: Any) -> _Counter:
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        self.seen += event == "opcode"
        return self


def count_instructions(function: Callable[[int], None], argument: int) -> int:
    """Count the bytecode instructions that one call executes, those of the Python functions it calls included.

    The interpreter reports a frame's entry (RESUME) as a call and not as an instruction, so it is not counted.
    """
    counter = _Counter()
    before = sys.gettrace()
    sys.settrace(counter)
    try:
        function(argument)
    finally:
        sys.settrace(before)
    return counter.seen


def instruction_costs(clock: Callable[[], int] = time.perf_counter_ns) -> list[float]:
    """Give the seconds an instruction takes in each snippet, the median of a few runs; `clock` counts nanoseconds.

    The count is linear in the iterations, so counting two short runs gives that of the timed one exactly.
    """
    return [_cost(snippet, clock) for snippet in SNIPPETS]


def _cost(snippet: Callable[[int], None], clock: Callable[[], int]) -> float:
    few, more = count_instructions(snippet, 10), count_instructions(snippet, 20)
    instructions = few + (more - few) * (_ITERATIONS - 10) // 10
    times = []
    for _ in range(_REPEATS):
        start = clock()
        snippet(_ITERATIONS)
        times.append(clock() - start)
    return median(times) / 1e9 / instructions
