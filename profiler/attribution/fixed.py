"""The fixed cost of a call: what its operators and its Python would take on operands as small as they can be.

The same implementation is timed, unprofiled and in the same rounds, on two smallest legal inputs A and B. With n the
number of operators it dispatches (of bytecode instructions where operators do not differ), counted exactly,

    fixed(case) = T(A) + k (T(B) - T(A)),    k = (n(case) - n(A)) / (n(B) - n(A)),

and k = 0 where n does not differ: code that does the same steps at any size has the fixed cost T(A).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from profiler.attribution.evidence import Counts, Evidence, Floats
from profiler.units import count, seconds

__all__ = ["Fixed", "fixed_cost"]

Driver = Literal["operators", "instructions", "nothing"]


@dataclass(frozen=True)
class Fixed:
    """Hold the fixed cost of one call; `factor` is k, `driver` what n counts, `words` how it was found.

    `start` and `start_replicates` are T(A), the part that does not grow with n.
    """

    seconds: float
    replicates: Floats
    start: float
    start_replicates: Floats
    factor: float
    driver: Driver
    words: str

    def scaled(self, smaller: float, larger: float) -> float:
        """Scale a quantity known for A and B to the case, as the time is scaled; at least 0."""
        grown = 0.0 if self.factor == 0 else self.factor * (larger - smaller)
        return max(0.0, smaller + grown)


def fixed_cost(evidence: Evidence) -> Fixed | None:
    """Estimate the fixed cost of a call; None without counts or smallest inputs."""
    if evidence.units is None or evidence.counts is None:
        return None
    small, large = evidence.units
    found = _driver(evidence.counts, small.counts, large.counts)
    if found is None:
        return None
    driver, whole, first, second = found
    factor = (whole - first) / (second - first) if second != first else 0.0
    # More steps of the same kind cannot take less time; where they seem to, the difference is noise.
    slope = max(0.0, large.timing.value - small.timing.value)
    slopes = np.maximum(0.0, large.timing.replicates - small.timing.replicates)
    value = max(0.0, small.timing.value + factor * slope)
    return Fixed(
        seconds=value,
        replicates=np.maximum(0.0, small.timing.replicates + factor * slopes),
        start=small.timing.value,
        start_replicates=small.timing.replicates,
        factor=factor,
        driver=driver,
        words=_words(evidence, driver, whole, value, slope / (second - first) if second != first else 0.0),
    )


def _driver(whole: Counts, small: Counts, large: Counts) -> tuple[Driver, float, float, float] | None:
    """Choose what the fixed cost grows with, and give its count on the case, on A and on B."""
    operators = (whole.ops, small.ops, large.ops)
    instructions = (whole.instructions, small.instructions, large.instructions)
    if all(map(math.isfinite, operators)) and small.ops != large.ops:
        return ("operators", *operators)
    if all(map(math.isfinite, instructions)) and small.instructions != large.instructions:
        return ("instructions", *instructions)
    if math.isfinite(whole.ops) or math.isfinite(whole.instructions):
        return ("nothing", 0.0, 0.0, 0.0)
    return None


def _words(evidence: Evidence, driver: Driver, whole: float, value: float, unit: float) -> str:
    assert evidence.units is not None  # noqa: S101 - the caller looked
    small, large = evidence.units
    if driver == "nothing":
        return (
            f"fixed cost {seconds(value)}: the same function on a {small.label} output, "
            "where it takes the same steps as on the case"
        )
    name = "operators" if driver == "operators" else "bytecode instructions"
    return (
        f"fixed cost {seconds(value)}: {count(whole)} {name} x {seconds(unit)}, unit cost from the same function on "
        f"{small.label} and {large.label} outputs ({seconds(small.timing.value)} and {seconds(large.timing.value)})"
    )
