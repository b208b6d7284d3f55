"""Columns from what a trace's writer put down: numbers, numbers in quotes, texts, or nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

__all__ = ["LARGEST", "Scalar", "integers", "nanoseconds", "number", "numbers", "text"]

LARGEST = 2**62  # a time or an identifier beyond it is damage, not data

Scalar = int | float | str | bool | None


def text(value: Scalar) -> str:
    """Give a name as text, '' where there is none."""
    return value if isinstance(value, str) else "" if value is None else str(value)


def numbers(values: Iterable[Scalar]) -> NDArray[np.float64]:
    """Give numbers, NaN where there is none."""
    return np.fromiter(
        (value if type(value) is float or type(value) is int else number(value) for value in values), dtype=np.float64
    )


def number(value: Scalar) -> float:
    """Read what is not written as a number: some writers put timestamps in quotes."""
    if not isinstance(value, str):
        return math.nan
    try:
        return float(value)
    except ValueError:
        return math.nan


def integers(values: Iterable[Scalar], otherwise: Iterable[int]) -> NDArray[np.int64]:
    """Give whole numbers, and what stands in for one that is missing or damaged."""
    return np.fromiter(
        (
            value if type(value) is int and abs(value) < LARGEST else default
            for value, default in zip(values, otherwise, strict=True)
        ),
        dtype=np.int64,
    )


def nanoseconds(microseconds: NDArray[np.float64]) -> NDArray[np.int64]:
    """Give whole nanoseconds, 0 where not known."""
    known = np.where(np.isfinite(microseconds), microseconds, 0.0)
    whole: NDArray[np.int64] = np.rint(np.clip(known * 1000, -LARGEST, LARGEST)).astype(np.int64)
    return whole
