"""How many bytes of memory a strided array or tensor reaches."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["reached_bytes"]


def reached_bytes(shape: Sequence[int], strides: Sequence[int], item_bytes: int) -> int:
    """Count the distinct bytes that elements occupy, at most; `strides` are in bytes.

    Repeated dimensions (stride 0) count once, and overlapping windows count no more than the memory they span: reading
    an element again moves nothing that a cache does not hold.
    """
    elements, span = 1, item_bytes
    for size, stride in zip(shape, strides, strict=True):
        if size == 0:
            return 0
        if stride:
            elements *= size
            span += (size - 1) * abs(stride)
    return min(elements * item_bytes, span)
