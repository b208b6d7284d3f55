"""Ways from Python into a compiled function: what a call costs before it computes anything.

Each way takes the function `void f(const struct problem *, float *output)`, its problem and a maker of outputs, and
gives the call. The quickest is an extension module of our own (see extension.py); else ctypes, which is everywhere.
"""

from __future__ import annotations

import ctypes
from typing import Any

from impls.compiled.extension import EXTENSION
from impls.compiled.numba_caller import NUMBA
from impls.compiled.torch_operators import CUSTOM_OP, TORCH_OPERATOR
from impls.compiled.way import Entry, Outputs, Way, needs
from impls.contract import AVAILABLE, Call

__all__ = ["QUICKEST", "WAYS", "quickest"]


def quickest() -> Way:
    """Give the first way that is open here; ctypes always is."""
    return next(way for way in QUICKEST if way.available().available)


def _through_ctypes(entry: Entry, outputs: Outputs) -> Call:
    address, problem = entry.addresses
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(address)
    fresh, kept = outputs.fresh, outputs.kept
    # The quickest way found to hand an array's memory to ctypes: half the time of `output.ctypes.data`.
    memory_of = (ctypes.c_char * (fresh() if kept is None else kept).nbytes).from_buffer
    if kept is not None:
        memory = memory_of(kept)

        def again(_entry: Entry = entry) -> Any:  # the addresses alone keep nothing alive
            function(problem, memory)
            return kept

        return again

    def call(_entry: Entry = entry) -> Any:
        output = fresh()
        function(problem, memory_of(output))
        return output

    return call


def _through_cffi(entry: Entry, outputs: Outputs) -> Call:
    import cffi

    ffi = cffi.FFI()
    address, at = entry.addresses
    function, problem = ffi.cast("void (*)(void *, void *)", address), ffi.cast("void *", at)
    from_buffer, fresh, kept = ffi.from_buffer, outputs.fresh, outputs.kept

    def call(_entry: Entry = entry) -> Any:
        output = fresh() if kept is None else kept
        function(problem, from_buffer(output))
        return output

    return call


CTYPES = Way("ctypes", "ctypes, the standard library's", _through_ctypes, lambda: AVAILABLE)
CFFI = Way("cffi", "cffi, which checks no types here", _through_cffi, needs("cffi", "'convprof[cffi]'"))
WAYS: tuple[Way, ...] = (EXTENSION, CTYPES, CFFI, NUMBA, TORCH_OPERATOR, CUSTOM_OP)
QUICKEST: tuple[Way, ...] = (EXTENSION, CTYPES)
