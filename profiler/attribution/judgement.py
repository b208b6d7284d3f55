"""Chooses among the estimates of one cause, and says whether they confirm each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from profiler.attribution.estimate import Estimate
from profiler.attribution.evidence import SwitchEffect
from profiler.attribution.switch import told
from profiler.measure.statistics import percentile_interval
from profiler.units import seconds

__all__ = ["best"]

# A switch removes a part of a cause, or a little more where what it replaces it with is cheaper elsewhere too.
_LEAST_REMOVED, _MOST_REMOVED = 0.5, 1.25


def best(estimates: Sequence[Estimate], effects: Sequence[SwitchEffect], processes: int) -> Estimate:
    """Take the first estimate; another one that agrees within both intervals confirms it, none that does not.

    `effects` are the switches that remove this cause. Where a switch and samples disagree, the interval holds both:
    which of them is wrong is not known.
    """
    first, *others = estimates
    agree = [_overlap(first, other, processes) for other in others]
    apart = [other for other, agrees in zip(others, agree, strict=True) if not agrees]
    words = first.evidence
    if first.method != "switch" and effects:
        words += f"; {told(effects)}"
    for other in others:
        words += f"; by {other.method} {seconds(other.seconds)}"
    if any(agree) or not apart:
        confirmed = any(agree) or _removed(first, effects)
        status = "confirmed" if confirmed and first.status == "unconfirmed" else first.status
        return replace(first, status=status, evidence=words)
    replicates = first.replicates
    if first.method == "switch" and apart[0].method == "sample":
        replicates = np.where(np.arange(len(replicates)) % 2 == 0, replicates, apart[0].replicates)
    return replace(first, status="unconfirmed", evidence=words, replicates=replicates)


def _removed(estimate: Estimate, effects: Sequence[SwitchEffect]) -> bool:
    """Say whether a switch saves about what the estimate puts down to the cause."""
    most = max((effect.first_in for effect in effects), default=0.0)
    return _LEAST_REMOVED * estimate.seconds <= most <= _MOST_REMOVED * estimate.seconds and most > 0


def _overlap(one: Estimate, other: Estimate, processes: int) -> bool:
    ends = [percentile_interval(each.replicates, processes) for each in (one, other)]
    if any(math.isnan(low) for low, _ in ends):
        return False
    return max(low for low, _ in ends) <= min(high for _, high in ends)
