"""The part of kernels' time that bytes beyond the compulsory ones explain, whoever timed the kernels."""

from __future__ import annotations

import numpy as np

from profiler.attribution.bound import floor
from profiler.attribution.count import between_operators
from profiler.attribution.draws import Draws
from profiler.attribution.evidence import Evidence, Floats

__all__ = ["traffic_within"]


def traffic_within(evidence: Evidence, draws: Draws, computing: float, replicates: Floats) -> tuple[float, Floats]:
    """Give the seconds that kernels which compute, for `computing` in all, spend on bytes beyond the compulsory ones.

    As modelled: those bytes over the copy bandwidth, and no more than the kernels take beyond the floor.
    """
    found, bound = between_operators(evidence), floor(evidence, draws)
    if found is None or bound is None:
        return 0.0, np.zeros(draws.replicates)
    moved, limit, _ = found
    value = min(moved / limit.value, max(0.0, computing - bound.seconds))
    return value, np.minimum(moved / limit.replicates(draws), np.maximum(0.0, replicates - bound.replicates))
