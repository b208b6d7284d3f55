"""Splits the time in kernels over floor, traffic and arithmetic: what moves bytes, what computes beyond the floor.

With K the seconds in copies (samples in copying kernels, memory moves and fills), C those in other kernels, F the floor
and M the modelled time of the bytes that other operators move beyond the compulsory ones,

    traffic = K + min(M, max(0, C - F)),    arithmetic = max(0, C - F - min(M, max(0, C - F))):

copies count as measured; temporaries that multiplications read and write as modelled, but no more than there is time in
kernels. Of scratch inside an operator one pass is a copy's, which writes or reads it, and the other one a kernel's.
"""

from __future__ import annotations

import numpy as np

from profiler.attribution.bound import floor
from profiler.attribution.count import between_operators
from profiler.attribution.draws import Draws
from profiler.attribution.estimate import Estimate
from profiler.attribution.evidence import Evidence
from profiler.attribution.kernel_traffic import traffic_within
from profiler.attribution.sample import seconds_in
from profiler.attribution.shares import COMPUTE, Shares
from profiler.attribution.words import speed
from profiler.units import count, percent, seconds

__all__ = ["arithmetic", "traffic"]


def traffic(evidence: Evidence, draws: Draws) -> Estimate | None:
    """Take the time in copies, and of that in other kernels what the bytes between operators would take."""
    shares = evidence.samples
    if shares is None or not shares.total:
        return None
    copying, copies = seconds_in(evidence.total, shares, "traffic", draws)
    value, replicates = traffic_within(evidence, draws, *seconds_in(evidence.total, shares, COMPUTE, draws))
    words = f"{_samples(shares, 'traffic')} in copies: {seconds(copying)}"
    found = between_operators(evidence)
    if found is not None and value > 0:
        words += f"; {found[2]}, at {speed(found[1], 'GB/s')}: {seconds(value)} of the time in other kernels"
    return Estimate("traffic", copying + value, copies + replicates, "sample", "unconfirmed", words)


def arithmetic(evidence: Evidence, draws: Draws) -> Estimate | None:
    """Take what is left of the time in kernels beyond the floor and the traffic in them."""
    shares, bound = evidence.samples, floor(evidence, draws)
    if shares is None or not shares.total or bound is None:
        return None
    computing, kernels = seconds_in(evidence.total, shares, COMPUTE, draws)
    value, replicates = traffic_within(evidence, draws, computing, kernels)
    words = (
        f"{_samples(shares, COMPUTE)} in kernels: {seconds(computing)}, less the floor of {seconds(bound.seconds)}"
        + (f" and {seconds(value)} of traffic" if value > 0 else "")
    )
    return Estimate(
        "arithmetic",
        max(0.0, computing - bound.seconds - value),
        np.maximum(0.0, kernels - bound.replicates - replicates),
        "sample",
        "unconfirmed",
        words,
    )


def _samples(shares: Shares, cause: str) -> str:
    words = f"{percent(shares.share(cause))} of {count(shares.total)} CPU samples"
    leading = shares.leading.get(cause, "")
    return f"{words}, most in {leading}," if leading else words
