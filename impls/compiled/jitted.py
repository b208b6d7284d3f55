"""Plain Python loops compiled by Numba: as they are, with fastmath, for a kernel of known size, and on all threads."""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

from impls.case import ConvCase
from impls.contract import AVAILABLE, Availability, Call, Implementation, Prepare
from impls.errors import BuildError
from impls.padding import PADDED_BEFOREHAND

__all__ = ["CONSTANT_KERNEL", "FASTMATH", "LOOPS", "PARALLEL"]

# Kernel shape (C/groups, kH, kW), stride and dilation, each (vertical, horizontal).
_Shape = tuple[tuple[int, int, int], tuple[int, int], tuple[int, int]]


@functools.cache
def _convolve(*, inline: bool = False, fastmath: bool = False) -> Any:
    """Give the loops to Numba, which compiles them for the types and, where they are inlined, for constants."""
    from numba import njit, prange

    framed = njit(_framed)

    def convolve(
        image: Any, weight: Any, bias: Any, size: Any, padding: Any, kernel: Any, stride: Any, dilation: Any
    ) -> Any:
        padded = framed(image, padding[0], padding[1]) if padding[0] or padding[1] else image
        outputs, (height, width), (inputs, kernel_height, kernel_width) = weight.shape[0], size, kernel
        output = np.empty((image.shape[0], outputs, height, width), image.dtype)
        outputs_of_group = outputs * inputs // image.shape[1]
        for line in prange(image.shape[0] * outputs * height):
            sample, channel, row = line // (outputs * height), line // height % outputs, line % height
            first, top = channel // outputs_of_group * inputs, row * stride[0]
            for column in range(width):
                total, left = bias[channel], column * stride[1]
                for source in range(inputs):
                    for down in range(kernel_height):
                        for right in range(kernel_width):
                            y, x = top + down * dilation[0], left + right * dilation[1]
                            total += padded[sample, first + source, y, x] * weight[channel, source, down, right]
                output[sample, channel, row, column] = total
        return output

    return njit(inline="always" if inline else "never", fastmath=fastmath)(convolve)


def _framed(image: Any, vertical: int, horizontal: int) -> Any:
    """Copy an image into a frame of zeros; by loops, since Numba takes seconds to compile the assignment of a slice."""
    batch, channels, height, width = image.shape
    padded = np.zeros((batch, channels, height + 2 * vertical, width + 2 * horizontal), image.dtype)
    for sample in range(batch):
        for channel in range(channels):
            for row in range(height):
                for column in range(width):
                    padded[sample, channel, vertical + row, horizontal + column] = image[sample, channel, row, column]
    return padded


@functools.cache
def _constant_convolve(shape: _Shape, *, parallel: bool) -> Any:
    """Compile the loops for one shape: what a compiled function finds outside itself is a constant to Numba."""
    from numba import njit

    convolve, (kernel, stride, dilation) = _convolve(inline=True), shape

    def constant(image: Any, weight: Any, bias: Any, size: Any, padding: Any) -> Any:
        return convolve(image, weight, bias, size, padding, kernel, stride, dilation)

    return njit(parallel=parallel)(constant)


def _prepare_loops(case: ConvCase, image: Any, weight: Any, bias: Any, *, fastmath: bool = False) -> Call:
    arguments = (*_dense(case, image, weight, bias), *_sizes(case), *_shape(case))
    return _compiled(lambda: functools.partial(_convolve(fastmath=fastmath), *arguments))


def _prepare_constant(case: ConvCase, image: Any, weight: Any, bias: Any, *, parallel: bool = False) -> Call:
    arguments = (*_dense(case, image, weight, bias), *_sizes(case))
    return _compiled(lambda: functools.partial(_constant_convolve(_shape(case), parallel=parallel), *arguments))


def _sizes(case: ConvCase) -> tuple[tuple[int, int], tuple[int, int]]:
    """Give the output's rows and columns, and the padding."""
    return (case.output_height, case.output_width), (case.padding_height, case.padding_width)


def _shape(case: ConvCase) -> _Shape:
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
