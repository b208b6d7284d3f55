"""Floating-point operations of NumPy's matrix products and contractions, as torch counts its own: two a term."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["array_flops"]

_PRODUCTS = frozenset(
    {
        *("numpy.matmul", "numpy.matvec", "numpy.vecmat", "numpy.vecdot"),
        *("numpy.dot", "numpy.ndarray.dot", "numpy.inner", "numpy.vdot", "numpy.tensordot"),
    }
)
# Products that treat leading dimensions as a stack; in the others, every dimension is free or summed over.
_STACKED = frozenset({"numpy.matmul", "numpy.matvec", "numpy.vecmat", "numpy.vecdot"})


def array_flops(name: str, inputs: Sequence[npt.NDArray[Any]], outputs: Sequence[Any]) -> int | None:
    """Count a product's floating-point operations from its operands and its result; None for other operators.

    `numpy.einsum` hides which dimensions are summed over, so it has no formula.
    """
    if name not in _PRODUCTS or len(inputs) != 2 or len(outputs) != 1:
        return None
    left, right = inputs
    results = int(np.size(outputs[0]))
    if not (left.ndim and right.ndim):
        return 2 * results
    if name in _STACKED:
        return 2 * results * int(left.shape[-1])
    # With M, N the free and K the summed sizes: left has M K elements, right K N, the result M N.
    return 2 * results * math.isqrt(left.size * right.size // results) if results else 0
