"""Plain Python loops compiled by Numba: as they are, with fastmath, for a kernel of known size, and on all threads."""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from impls.case import ConvCase
from impls.contract import AVAILABLE, Availability, Call, Implementation, Prepare
from impls.errors import BuildError
from impls.padding import PADDED_BEFOREHAND

if TYPE_CHECKING:  # importing it imports Numba
    from impls.compiled.numba_loops import Shape

__all__ = ["CONSTANT_KERNEL", "FASTMATH", "LOOPS", "PARALLEL"]


def _prepare_loops(case: ConvCase, image: Any, weight: Any, bias: Any, *, fastmath: bool = False) -> Call:
    arguments = (*_dense(case, image, weight, bias), *_sizes(case), *_shape(case))

    def bound() -> Call:
        from impls.compiled.numba_loops import convolver

        return functools.partial(convolver(fastmath=fastmath), *arguments)

    return _compiled(bound)


def _prepare_constant(case: ConvCase, image: Any, weight: Any, bias: Any, *, parallel: bool = False) -> Call:
    arguments = (*_dense(case, image, weight, bias), *_sizes(case))

    def bound() -> Call:
        from impls.compiled.numba_loops import convolve_shape

        return functools.partial(convolve_shape(_shape(case), parallel=parallel), *arguments)

    return _compiled(bound)


def _sizes(case: ConvCase) -> tuple[tuple[int, int], tuple[int, int]]:
    """Give the output's rows and columns, and the padding."""
    return (case.output_height, case.output_width), (case.padding_height, case.padding_width)


def _shape(case: ConvCase) -> Shape:
    """Give the kernel's shape, the stride and the dilation."""
    stride, dilation = (case.stride_height, case.stride_width), (case.dilation_height, case.dilation_width)
    return case.weight_shape[1:], stride, dilation


def _dense(case: ConvCase, image: Any, weight: Any, bias: Any) -> tuple[Any, Any, Any]:
    """Give plain arrays: Numba compiles anew for other layouts, and refuses subclasses. No bias is one of zeros."""
    offsets = np.zeros(case.out_channels, case.dtype) if bias is None else bias
    return np.ascontiguousarray(image), np.ascontiguousarray(weight), np.ascontiguousarray(offsets)


def _compiled(make: Callable[[], Call]) -> Call:
    """Compile for the arrays' types by calling once; raises BuildError."""
    try:
        from numba.core.errors import NumbaError
    except ImportError as error:  # it refuses versions of NumPy that it does not know
        raise BuildError(f"Numba cannot be imported: {error}; pip install --upgrade numba") from error
    try:
        call = make()
        call()
    except NumbaError as error:
        first = str(error).strip().partition("\n")[0]
        raise BuildError(f"Numba cannot compile this: {first}; pip install --upgrade numba") from error
    return call


def _available(_case: ConvCase) -> Availability:
    if find_spec("numba") is None:
        return Availability.no("Numba is not installed: pip install 'convprof[numba]'")
    return AVAILABLE


def _implementation(name: str, summary: str, prepare: Prepare) -> Implementation:
    return Implementation(
        name=name,
        family="manual",
        arrays="numpy",
        summary=f"Numba: {summary}",
        prepare=prepare,
        available=_available,
        switches=(PADDED_BEFOREHAND,),
        primary=False,
    )


LOOPS = _implementation("numba.loops", "plain loops over outputs and taps, one thread", _prepare_loops)

FASTMATH = _implementation(
    "numba.fastmath",
    "the plain loops, compiled with fastmath, so that sums may be reordered",
    functools.partial(_prepare_loops, fastmath=True),
)

CONSTANT_KERNEL = _implementation(
    "numba.constant_kernel",
    "the plain loops, compiled for this kernel's shape, stride and dilation",
    _prepare_constant,
)

PARALLEL = _implementation(
    "numba.parallel",
    "the loops of numba.constant_kernel, their rows shared out among Numba's threads",
    functools.partial(_prepare_constant, parallel=True),
)
