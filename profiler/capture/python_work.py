"""Counts what the Python interpreter does in one call: instructions, Python functions, built-in functions, memory."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from impls.contract import Call
from profiler.capture.tally import TooMany

__all__ = ["FunctionCalls", "count_function_calls", "count_instructions", "peak_bytes"]

_Trace = Callable[[FrameType, str, Any], Any]


@dataclass(frozen=True)
class FunctionCalls:
    """Hold how many Python functions were entered and how many built-in ones called."""

    python: int
    builtin: int


def count_instructions(call: Call, most: int) -> int | None:
    """Count the bytecode instructions that a call executes; None where there are more than `most`."""
    seen = 0

    def trace(frame: FrameType, event: str, _argument: Any) -> _Trace:
        nonlocal seen
        if event == "opcode":
            seen += 1
            if seen > most:
                raise TooMany
        elif event == "call":
            frame.f_trace_opcodes = True
            frame.f_trace_lines = False
        return trace

    before = sys.gettrace()
    with _without_collection():
        sys.settrace(trace)
        try:
            call()
        except TooMany:
            return None
        finally:
            sys.settrace(before)
    return None if seen > most else seen


def count_function_calls(call: Call, most: int) -> FunctionCalls | None:
    """Count the functions that a call enters; None where there are more than `most`.

    Callable objects that are no built-in functions, as NumPy's ufuncs, are not seen by the interpreter's hook.
    """
    python = builtin = 0

    def profile(_frame: FrameType, event: str, argument: Any) -> None:
        nonlocal python, builtin
        if event == "call":
            python += 1
        elif event == "c_call" and argument is not sys.setprofile:
            builtin += 1
        if python + builtin > most:
            raise TooMany

    before = sys.getprofile()
    with _without_collection():
        sys.setprofile(profile)
        try:
            call()
        except TooMany:
            return None
        finally:
            sys.setprofile(before)
    return None if python + builtin > most else FunctionCalls(python, builtin)


@contextmanager
def _without_collection() -> Iterator[None]:
    """Keep the garbage collector off: whose turn it takes is chance, and what it calls is not the call's own work."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def peak_bytes(call: Call) -> int:
    """Give the most memory that Python and NumPy held during a call, above what they held before it."""
    tracemalloc.start(1)
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        call()
        return max(0, tracemalloc.get_traced_memory()[1] - before)
    finally:
        tracemalloc.stop()
