"""When an implementation counts as warm, from times made by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from profiler.measure.blocks import Block, Usage
from profiler.measure.warmup import warm_up


def measuring(seconds_per_call: Iterable[float]) -> tuple[Callable[[int], Block], list[int]]:
    """Give a measurement whose calls take these times, and the list of the calls it was asked for."""
    times = iter(seconds_per_call)
    asked: list[int] = []

    def measure(calls: int) -> Block:
        asked.append(calls)
        return Block(calls, calls * next(times), Usage(0.0, 0, 0))

    return measure, asked


def endless(first: list[float], then: float) -> Iterable[float]:
    yield from first
    while True:
        yield then


def test_a_constant_time_is_warm_after_one_window() -> None:
    measure, asked = measuring(endless([], 1e-4))
    result = warm_up(measure, limit_s=1.0)
    assert result.level
    assert asked == [1] + [11] * 10
    assert result.calls == 11
    assert result.block_s == 11 * 1e-4


def test_a_slow_first_call_does_not_settle_the_calls() -> None:
    measure, asked = measuring(endless([0.5], 1e-5))
    result = warm_up(measure, limit_s=10.0)
    assert result.level
    assert asked == [1, 1] + [110] * 10
    assert result.calls == 110


def test_a_falling_time_is_waited_for() -> None:
    falling = [2e-3 * 0.9**step for step in range(12)]
    measure, asked = measuring(endless(falling, falling[-1]))
    result = warm_up(measure, limit_s=10.0)
    assert result.level
    assert len(asked) > len(falling)


def test_a_time_that_never_settles_is_given_up() -> None:
    measure, _ = measuring(2e-3 * 0.9**step for step in range(1000))
    result = warm_up(measure, limit_s=0.01)
    assert not result.level
    assert sum(block.seconds for block in result.blocks) >= 0.01


def test_a_slow_implementation_is_called_three_times() -> None:
    measure, asked = measuring(endless([], 0.09))
    assert warm_up(measure, limit_s=0.02).level
    assert asked == [1, 1, 1]


def test_a_very_slow_implementation_is_called_once() -> None:
    measure, asked = measuring(endless([], 5.0))
    result = warm_up(measure, limit_s=0.25)
    assert asked == [1]
    assert not result.level
