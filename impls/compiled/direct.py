"""The direct convolution in C, with the compiler's flags as part of its name."""

from __future__ import annotations

import ctypes
import functools
import shlex
from pathlib import Path
from typing import Any

import numpy as np

from impls.case import ConvCase
from impls.compiled.compiler import build, find_compiler, missing_compiler
from impls.contract import AVAILABLE, Availability, Call, Implementation
from impls.errors import BuildError
from impls.output import output_buffer

__all__ = ["DEFAULT_FLAGS", "direct"]

# The most a compiler does while it keeps the order of floating-point sums and uses no instruction beyond the platform's
# baseline, so that the result says something about other machines. gcc before 12 vectorises at -O3, not at -O2.
DEFAULT_FLAGS = "-O3"

_SOURCE = Path(__file__).with_name("direct.c")
_REALS = {"float32": "float", "float64": "double"}


class _Problem(ctypes.Structure):
    """Mirror `struct problem` of direct.c, field by field; `kept_alive` are the arrays whose addresses it holds."""

    kept_alive: tuple[Any, Any, Any]

    _fields_ = (
        *(
            (size, ctypes.c_ssize_t)
            for size in (
                *("batch", "groups", "group_inputs", "group_outputs", "height", "width"),
                *("output_height", "output_width", "kernel_height", "kernel_width", "stride_height", "stride_width"),
                *("padding_height", "padding_width", "dilation_height", "dilation_width"),
            )
        ),
        *((array, ctypes.c_void_p) for array in ("image", "weight", "bias")),
    )


def direct(flags: str = DEFAULT_FLAGS, *, name: str | None = None) -> Implementation:
    """Make the implementation `c.direct[FLAGS]`, compiled when first prepared; raises ValueError on a bad quote."""
    words = tuple(shlex.split(flags))
    return Implementation(
        name=name or f"c.direct[{flags}]",
        family="manual",
        arrays="numpy",
        summary=f"C, one row at a time, one thread, compiled with {flags or 'no flags'}",
        prepare=functools.partial(_prepare, words),
        available=_available,
        switches=(output_buffer(functools.partial(_prepare_reusing, words)),),
    )


def _available(_case: ConvCase) -> Availability:
    return AVAILABLE if find_compiler() is not None else Availability.no(missing_compiler())


def _prepare(flags: tuple[str, ...], case: ConvCase, image: Any, weight: Any, bias: Any) -> Call:
    """Compile or find the library, and fill in the problem's sizes and addresses; raises BuildError."""
    function = _loaded(build(_SOURCE, flags, [f"REAL={_REALS[case.dtype]}"]))
    dense = [None if array is None else np.ascontiguousarray(array) for array in (image, weight, bias)]
    problem = _problem(case, *dense)
    shape, dtype = case.output_shape, np.dtype(case.dtype)
    # The quickest way found to hand a fresh array's memory to C: half the time of `output.ctypes.data`.
    memory_of = (ctypes.c_char * (case.outputs * case.item_bytes)).from_buffer

    def call() -> Any:
        output: Any = np.empty(shape, dtype)
        function(problem, memory_of(output))
        return output

    return call


def _prepare_reusing(flags: tuple[str, ...], case: ConvCase, image: Any, weight: Any, bias: Any) -> Call:
    """Do the same with one output for all calls."""
    function = _loaded(build(_SOURCE, flags, [f"REAL={_REALS[case.dtype]}"]))
    dense = [None if array is None else np.ascontiguousarray(array) for array in (image, weight, bias)]
    problem = _problem(case, *dense)
    output: Any = np.empty(case.output_shape, np.dtype(case.dtype))
    memory = (ctypes.c_char * (case.outputs * case.item_bytes)).from_buffer(output)

    def call() -> Any:
        function(problem, memory)
        return output

    return call


def _problem(case: ConvCase, image: Any, weight: Any, bias: Any) -> _Problem:
    problem = _Problem(
        case.batch,
        case.groups,
        case.in_channels // case.groups,
        case.out_channels // case.groups,
        case.height,
        case.width,
        case.output_height,
        case.output_width,
        case.kernel_height,
        case.kernel_width,
        case.stride_height,
        case.stride_width,
        case.padding_height,
        case.padding_width,
        case.dilation_height,
        case.dilation_width,
        image.ctypes.data,
        weight.ctypes.data,
        None if bias is None else bias.ctypes.data,
    )
    problem.kept_alive = (image, weight, bias)
    return problem


@functools.cache
def _loaded(library: Path) -> Any:
    try:
        function = ctypes.CDLL(str(library)).direct
    except (OSError, AttributeError) as error:
        raise BuildError(f"{library} cannot be loaded ({error}); remove it, or compile with other flags") from error
    function.argtypes = (ctypes.POINTER(_Problem), ctypes.c_void_p)
    function.restype = None
    return function
