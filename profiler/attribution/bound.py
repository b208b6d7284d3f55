"""The estimator by a bound: what the case takes at the limits of this machine, whoever computes it."""

from __future__ import annotations

import numpy as np

from profiler.attribution.draws import Draws
from profiler.attribution.estimate import Estimate
from profiler.attribution.evidence import Evidence
from profiler.attribution.words import speed
from profiler.units import count, seconds, size

__all__ = ["floor"]


def floor(evidence: Evidence, draws: Draws) -> Estimate | None:
    """Bound the call from below by FLOPs over the multiply-add peak and compulsory bytes over the copy bandwidth.

    Source: S. Williams, A. Waterman, D. Patterson, Roofline, Communications of the ACM 52 (4), 2009.
    """
    flops, moved = float(evidence.case.flops), float(evidence.case.compulsory_bytes)
    # The bound is the case's: what an implementation allocates besides must not change it.
    peak, copying = evidence.ceilings.limit("multiply_add_peak"), evidence.ceilings.bandwidth(moved)
    if peak is None or copying is None:
        return None
    value = max(flops / peak.value, moved / copying.value)
    replicates = np.maximum(flops / peak.replicates(draws), moved / copying.replicates(draws))
    words = (
        f"larger of {count(flops)} FLOP at {speed(peak, 'GFLOP/s')} ({seconds(flops / peak.value)}) and "
        f"{size(moved)} at {speed(copying, 'GB/s')} ({seconds(moved / copying.value)})"
    )
    if value > evidence.total.value:
        words += "; the call takes less, so these limits are too low here, and the row is cut to the median"
        cut = np.minimum(replicates, evidence.total.replicates)
        return Estimate("floor", evidence.total.value, cut, "bound", "unconfirmed", words)
    return Estimate("floor", value, replicates, "bound", "confirmed", words)
