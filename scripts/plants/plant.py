"""What a plant is: work of a known amount and cause, added to a convolution."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Make", "Plant", "Work"]

Work = Callable[[Any], object]  # is given the image
Make = Callable[[int], Work]


@dataclass(frozen=True)
class Plant:
    """Name work and say how much of it is whose.

    `make(amount)` gives the work; `truth` maps a cause to pairs of a sign and a maker: the cause's seconds are the sum
    of the makers' times with these signs, each measured alone. `unit` is an amount that takes some microseconds at
    least. `beside` names causes that the work has a little of, nobody knows how much: they are not judged, nor false.
    `smallest_s` and `largest_s` bound the magnitudes that make sense, `cases` the cases ('' for all).
    """

    name: str
    make: Make
    truth: Mapping[str, tuple[tuple[int, Make], ...]]
    unit: int
    smallest_s: float = 10e-6
    largest_s: float = 50e-3
    cases: str = ""
    beside: tuple[str, ...] = ()
