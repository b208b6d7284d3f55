"""The interpreter's work, counted against code whose work is known."""

from __future__ import annotations

import contextlib
import dis
from collections.abc import Callable

import numpy as np
import pytest

from profiler.capture.python_work import FunctionCalls, count_function_calls, count_instructions, peak_bytes

MANY = 1_000_000


def _straight() -> int:
    first = 1
    second = first + 2
    return first * second


def _loop(times: int) -> Callable[[], int]:
    def run() -> int:
        total = 0
        for number in range(times):
            total += number
        return total

    return run


def test_straight_code_executes_each_of_its_instructions_once() -> None:
    listed = len(list(dis.get_instructions(_straight)))
    # The first one, which enters the function, is executed before the interpreter can be asked to tell.
    assert count_instructions(_straight, MANY) in (listed - 1, listed)


def test_a_loop_executes_as_many_for_each_turn() -> None:
    few, more, many = (count_instructions(_loop(times), MANY) or 0 for times in (10, 20, 40))
    assert more > few
    assert many - more == 2 * (more - few)


def test_functions_within_a_call_count_as_well() -> None:
    inner = count_instructions(_straight, MANY) or 0
    alone = count_instructions(lambda: (_straight(),), MANY) or 0
    twice = count_instructions(lambda: (_straight(), _straight()), MANY) or 0
    assert alone > inner
    assert twice > 2 * inner


def _calls() -> None:
    for _ in range(3):
        _straight()
    len(())
    abs(-1)
    np.add(1, 2)


def test_function_calls_are_counted_exactly() -> None:
    # Entered in Python: _calls itself and _straight three times. Built in: len and abs; a ufunc is no function.
    assert count_function_calls(_calls, MANY) == FunctionCalls(python=4, builtin=2)


def test_too_much_work_is_given_up() -> None:
    assert count_instructions(_loop(1000), 100) is None
    assert count_function_calls(_calls, 5) is None


def _stubborn() -> None:
    with contextlib.suppress(BaseException):
        _loop(1000)()


def test_code_that_catches_everything_is_given_up_as_well() -> None:
    assert count_instructions(_stubborn, 100) is None


def test_an_error_of_the_call_passes_through() -> None:
    def fail() -> None:
        raise ValueError("its own")

    for count in (count_instructions, count_function_calls):
        with pytest.raises(ValueError, match="its own"):
            count(fail, MANY)
    with pytest.raises(ValueError, match="its own"):
        peak_bytes(fail)


def test_the_peak_is_what_is_held_at_once() -> None:
    def run() -> None:
        first = np.ones(100_000)
        second = first + 1
        del first
        second.sum()

    assert 1_600_000 <= peak_bytes(run) < 1_700_000
