"""A convolution problem as C sees it."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from impls.case import ConvCase
from impls.sizes import SIZES, sizes_of

__all__ = ["REALS", "Problem", "problem_of"]

# What a case's dtype is called in C.
REALS = {"float32": "float", "float64": "double"}


class Problem(ctypes.Structure):
    """Mirror `struct problem` of problem.h, field by field; `kept_alive` are the arrays whose addresses it holds."""

    kept_alive: tuple[Any, Any, Any]

    _fields_ = (
        *((size, ctypes.c_ssize_t) for size in SIZES),
        *((array, ctypes.c_void_p) for array in ("image", "weight", "bias")),
    )


def problem_of(case: ConvCase, image: Any, weight: Any, bias: Any) -> Problem:
    """Fill in a case's sizes and the addresses of its arrays, copied where they are not dense; bias may be None."""
    arrays = tuple(None if array is None else np.ascontiguousarray(array) for array in (image, weight, bias))
    problem = Problem(*sizes_of(case), *(None if array is None else array.ctypes.data for array in arrays))
    problem.kept_alive = (arrays[0], arrays[1], arrays[2])
    return problem
