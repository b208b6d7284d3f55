"""A convolution problem as the CUDA kernels see it."""

from __future__ import annotations

import ctypes

from impls.case import ConvCase

__all__ = ["Problem", "problem_of"]


class Problem(ctypes.Structure):
    """Mirror `struct convolution` of convolution.cu, field by field; kernels take it by value."""

    _fields_ = tuple(
        (size, ctypes.c_int32)
        for size in (
            *("batch", "groups", "group_inputs", "group_outputs", "height", "width"),
            *("output_height", "output_width", "kernel_height", "kernel_width", "stride_height", "stride_width"),
            *("padding_height", "padding_width", "dilation_height", "dilation_width", "tile_pitch"),
        )
    )


def problem_of(case: ConvCase, tile_pitch: int = 0) -> Problem:
    """Fill in a case's sizes, in elements; `tile_pitch` is from one row of a tile in shared memory to the next."""
    return Problem(
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
        tile_pitch,
    )
