"""Which combinations of switches are measured: all of those that compose, alternatives alone."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from profiler.measure.switches import GRADIENTS
from profiler.records import Screened

__all__ = ["MOST_COMPOSABLE", "faults_matter", "variants_of"]

MOST_COMPOSABLE = 5  # DESIGN, section 6: 32 cells
_CHEAPEST_FAULT_S = 0.25e-6
_LEAST_SHARE = 0.03  # of a call, at the cheapest


def faults_matter(minor_faults: float, seconds: float) -> bool:
    """Say whether so many page faults are worth removing from a call of so many seconds."""
    return minor_faults * _CHEAPEST_FAULT_S > _LEAST_SHARE * seconds


def variants_of(screened: Sequence[Screened], environment: str = "") -> list[list[str]]:
    """List what is measured of one implementation in one condition beside itself, each variant's switches by name.

    In the worker processes of an environment, its switch is thrown in all of them. Of switches of the gradient mode one
    at most is thrown: the stronger includes the weaker.
    """
    kept = [each for each in screened if each.kept]
    if environment and environment not in {each.switch for each in kept}:
        return []
    inside = [each for each in kept if each.scope == "call"]
    composable = [each for each in inside if each.composable][:MOST_COMPOSABLE]
    thrown = [
        [each.switch for each in chosen]
        for size in range(len(composable) + 1)
        for chosen in combinations(composable, size)
        if sum(each.cause == GRADIENTS for each in chosen) <= 1
    ]
    if environment:
        return [sorted([*names, environment]) for names in thrown]
    alternatives = [[each.switch] for each in inside if not each.composable]
    return [sorted(names) for names in [*thrown, *alternatives] if names]
