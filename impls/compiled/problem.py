"""A convolution problem as C sees it."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from impls.case import ConvCase

__all__ = ["REALS", "Problem", "problem_of"]

# What a case's dtype is called in C.
REALS = {"float32": "float", "float64": "double"}


class Problem(ctypes.Structure):
    """Mirror `struct problem` of problem.h, field by field; `kept_alive` are the arrays whose addresses it holds."""

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


def problem_of(case: ConvCase, image: Any, weight: Any, bias: Any) -> Problem:
    """Fill in a case's sizes and the addresses of its arrays, copied where they are not dense; bias may be None."""
    arrays = tuple(None if array is None else np.ascontiguousarray(array) for array in (image, weight, bias))
    problem = Problem(
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
        *(None if array is None else array.ctypes.data for array in arrays),
    )
    problem.kept_alive = (arrays[0], arrays[1], arrays[2])
    return problem
