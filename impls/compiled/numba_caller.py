"""A way into compiled code through Numba: a function that Numba compiles calls it, and Numba unpacks the array."""

from __future__ import annotations

import ctypes
import functools
from typing import Any

from impls.compiled.way import Entry, Outputs, Way, needs
from impls.contract import Call
from impls.errors import BuildError

__all__ = ["NUMBA"]


@functools.cache
def _caller(function_address: int) -> Any:
    """Compile the caller of one function, which Numba takes as a constant; its problem is an argument."""
    try:
        from numba import njit
    except ImportError as error:  # it refuses versions of NumPy that it does not know
        raise BuildError(f"Numba cannot be imported: {error}; pip install --upgrade numba") from error
    # Numba knows no pointer that an integer could be given to, so addresses are integers throughout.
    function = ctypes.CFUNCTYPE(None, ctypes.c_ssize_t, ctypes.c_ssize_t)(function_address)

    def caller(problem: Any, output: Any) -> Any:
        function(problem, output.ctypes.data)
        return output

    return njit(caller)


def _through_numba(entry: Entry, outputs: Outputs) -> Call:
    function, problem = entry.addresses
    caller, fresh, kept = _caller(function), outputs.fresh, outputs.kept
    caller(problem, fresh() if kept is None else kept)  # compiles

    def call(_entry: Entry = entry) -> Any:
        return caller(problem, fresh() if kept is None else kept)

    return call


NUMBA = Way("numba", "a function that Numba compiled", _through_numba, needs("numba", "'convprof[numba]'"))
