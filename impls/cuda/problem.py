"""A convolution problem as the CUDA kernels see it."""

from __future__ import annotations

import ctypes

from impls.case import ConvCase
from impls.sizes import SIZES, sizes_of

__all__ = ["Problem", "problem_of"]


class Problem(ctypes.Structure):
    """Mirror `struct convolution` of convolution.cu, field by field; kernels take it by value."""

    _fields_ = tuple((size, ctypes.c_int32) for size in (*SIZES, "tile_pitch"))


def problem_of(case: ConvCase, tile_pitch: int = 0) -> Problem:
    """Fill in a case's sizes, in elements; `tile_pitch` is from one row of a tile in shared memory to the next."""
    return Problem(*sizes_of(case), tile_pitch)
