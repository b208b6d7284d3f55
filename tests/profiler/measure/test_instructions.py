"""Instructions are counted exactly."""

from __future__ import annotations

import dis
import sys

import pytest

from profiler.measure.instructions import SNIPPETS, count_instructions, instruction_costs


def _nothing(_: int) -> None:
    return None


def _calls_nothing(argument: int) -> None:
    _nothing(argument)


def executed(function: object) -> int:
    """Count the instructions of a function without branches, its entry and inline caches aside."""
    names = [instruction.opname for instruction in dis.get_instructions(function)]  # type: ignore[arg-type]
    return len(names) - names.count("RESUME")


def test_straight_code_is_counted_instruction_by_instruction() -> None:
    assert count_instructions(_nothing, 1) == executed(_nothing)


def test_called_functions_are_counted_too() -> None:
    assert count_instructions(_calls_nothing, 1) == executed(_calls_nothing) + executed(_nothing)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda snippet: snippet.__name__.strip("_"))
def test_the_count_is_linear_in_the_iterations(snippet: object) -> None:
    counts = [count_instructions(snippet, iterations) for iterations in (10, 20, 300)]  # type: ignore[arg-type]
    assert counts[2] == counts[0] + (counts[1] - counts[0]) * 29


def test_counting_leaves_the_tracer_as_it_was() -> None:
    before = sys.gettrace()
    count_instructions(_nothing, 1)
    assert sys.gettrace() is before


def test_costs_are_times_over_counts() -> None:
    now = 0

    def clock() -> int:
        nonlocal now
        now += 1_000_000
        return now

    costs = instruction_costs(clock)
    instructions = [count_instructions(snippet, 20_000) for snippet in SNIPPETS]
    assert costs == pytest.approx([1e-3 / count for count in instructions])
