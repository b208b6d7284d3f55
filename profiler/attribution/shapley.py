"""What each of several switches saves, when what one saves depends on the others.

With T(S) the time with the switches S thrown, v(S) = T(none) - T(S) is what S saves. The Shapley value of a switch is
the mean, over all orders of throwing them, of what it adds to those thrown before: L. S. Shapley, "A Value for n-Person
Games", 1953. First-in is v of it alone, last-in what it adds to all others; where they differ, switches interact:
B. Fields, R. Bodik, M. Hill, C. Newburn, "Using Interaction Costs for Microarchitectural Bottleneck Analysis", MICRO
2003.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from profiler.attribution.evidence import Floats

__all__ = ["Contribution", "contributions", "interaction"]

Times = Mapping[frozenset[str], Floats]


@dataclass(frozen=True)
class Contribution:
    """Hold what one switch saves, in seconds: arrays of one shape, whatever the times given have."""

    shapley: Floats
    first_in: Floats
    last_in: Floats


def contributions(times: Times, switches: Sequence[str]) -> dict[str, Contribution]:
    """Share what all switches save over them; `times` holds every subset of them.

    Raises KeyError where a subset is missing. The Shapley values sum to v of all, in every element.
    """
    return {switch: _contribution(times, switch, [each for each in switches if each != switch]) for switch in switches}


def interaction(times: Times, one: str, other: str) -> Floats:
    """Give what two switches save together beyond what each saves alone; negative where they save the same twice."""
    none = times[frozenset()]
    both = none - times[frozenset((one, other))]
    return both - (none - times[frozenset((one,))]) - (none - times[frozenset((other,))])


def _contribution(times: Times, switch: str, others: Sequence[str]) -> Contribution:
    count = len(others) + 1
    total: Floats = times[frozenset()] * 0.0
    for size in range(count):
        weight = math.factorial(size) * math.factorial(count - size - 1) / math.factorial(count)
        for before in combinations(others, size):
            total = total + weight * _added(times, frozenset(before), switch)
    return Contribution(total, _added(times, frozenset(), switch), _added(times, frozenset(others), switch))


def _added(times: Times, before: frozenset[str], switch: str) -> Floats:
    return times[before] - times[before | {switch}]
