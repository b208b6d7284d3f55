"""The loops that Numba compiles; importing this imports Numba, and what is compiled is kept for other processes.

Numba keeps machine code by a function's file, line, qualified name, types and closure; the flags it was compiled with
are not among them, so what differs in flags is given names of its own. What a closure holds must pickle alike in every
process, which compiled functions do not: they are found as globals.
"""

from __future__ import annotations

import functools
import os
from types import FunctionType
from typing import Any

import numpy as np

from impls.compiled.compiler import cache_folder

os.environ.setdefault("NUMBA_CACHE_DIR", str(cache_folder() / "numba"))  # Numba reads it when it is imported

from numba import config, njit, prange

__all__ = ["Shape", "convolve_shape", "convolver"]

# Where the user names no folder; Numba's own choice is one beside this file.
os.environ.setdefault("NUMBA_CACHE_DIR", str(cache_folder() / "numba"))
config.reload_config()

# Kernel shape (C/groups, kH, kW), stride and dilation, each (vertical, horizontal).
Shape = tuple[tuple[int, int, int], tuple[int, int], tuple[int, int]]


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


_compiled_framed = njit(cache=True)(_framed)


def _convolve(
    image: Any, weight: Any, bias: Any, size: Any, padding: Any, kernel: Any, stride: Any, dilation: Any
) -> Any:
    padded = _compiled_framed(image, padding[0], padding[1]) if padding[0] or padding[1] else image
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


_inlined = njit(inline="always")(_convolve)


@functools.cache
def convolver(*, fastmath: bool) -> Any:
    """Give the loops to Numba, which compiles them for the types they are called with."""
    return njit(cache=True, fastmath=fastmath)(_renamed(_convolve, "fastmath" if fastmath else "exact"))


@functools.cache
def convolve_shape(shape: Shape, *, parallel: bool) -> Any:
    """Compile the loops for one shape: what a compiled function finds in its closure is a constant to Numba."""
    kernel, stride, dilation = shape

    def constant(image: Any, weight: Any, bias: Any, size: Any, padding: Any) -> Any:
        return _inlined(image, weight, bias, size, padding, kernel, stride, dilation)

    return njit(cache=True, parallel=parallel)(_renamed(constant, "parallel" if parallel else "sequential"))


def _renamed(function: Any, flags: str) -> Any:
    copy = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    copy.__qualname__ = f"{function.__name__}_{flags}"
    return copy
