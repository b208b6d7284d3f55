"""Estimators by sample: shares of an almost unperturbed CPU-sampling run, times the unprofiled median.

Samples of the calling thread are classed by library, symbol and calling context (`profiler.trace.sample_rules`). They
see what that thread does on a processor; what it waits is the clocks' to say.
"""

from __future__ import annotations

import math

import numpy as np

from profiler.attribution.count import idle as idle_by_clocks
from profiler.attribution.count import in_and_out_of_waits, waiting_of
from profiler.attribution.draws import Draws
from profiler.attribution.estimate import Estimate, Estimator
from profiler.attribution.evidence import Evidence, Floats, Timing
from profiler.attribution.fixed import fixed_cost
from profiler.attribution.shares import Shares
from profiler.units import count, percent, seconds

__all__ = ["allocation", "autograd", "dispatch", "idle", "interpreter", "seconds_in", "threads"]

# Classes are not sharp: a method's look-up, a cold cache after a copy. Planted causes come out within a tenth or so
# where counting alone allows much less (`scripts/bench plants`); the draw is shared by all implementations, so that
# what is common to both sides of a gap cancels.
_CLASS_ERROR = 0.12
_LEAST_SAMPLES = 50  # of a few samples a share is a guess
_FAR_APART = 3.0  # standard errors: beyond, the smallest input does something else


def seconds_in(timing: Timing, shares: Shares, cause: str, draws: Draws) -> tuple[float, Floats]:
    """Give the seconds per call on a processor in one cause, and their replicates."""
    on_processor = 1 - waiting_of(timing) / timing.value
    blurred = 1 + _CLASS_ERROR * (2 * draws.positions(f"class {cause}") - 1)
    drawn = shares.replicates(cause, draws.seed, draws.replicates) * blurred
    return shares.share(cause) * on_processor * timing.value, drawn * on_processor * timing.replicates


def _of_fixed_steps(cause: str) -> Estimator:
    """Make the estimator of a cause that does not depend on the image where the steps taken do not.

    There the smallest input has the same cost in a call many times shorter, where its share is known many times better.
    """

    def estimate(evidence: Evidence, draws: Draws) -> Estimate | None:
        whole = _plain(evidence, draws, cause)
        if whole is None or not _takes_the_same_steps(evidence):
            return whole
        assert evidence.units is not None  # noqa: S101 - asked just now
        assert evidence.small_samples is not None  # noqa: S101 - asked just now
        small = evidence.units[0]
        value, replicates = seconds_in(small.timing, evidence.small_samples, cause, draws)
        errors = float(np.var(replicates)), float(np.var(whole.replicates))
        # What was not measured in every process has replicates that are not known, and neither is their variance.
        if not sum(errors) > 0 or abs(value - whole.seconds) > _FAR_APART * math.sqrt(sum(errors)):
            return whole
        weight = errors[1] / sum(errors)
        words = (
            f"{whole.evidence}; on a {small.label} output, with the same steps, {_share(evidence.small_samples, cause)}"
        )
        return Estimate(
            cause,
            weight * value + (1 - weight) * whole.seconds,
            weight * replicates + (1 - weight) * whole.replicates,
            "sample",
            "unconfirmed",
            f"{words} of {seconds(small.timing.value)}; weighted by how well each is known",
        )

    return estimate


interpreter = _of_fixed_steps("interpreter")
dispatch = _of_fixed_steps("dispatch")
autograd = _of_fixed_steps("autograd")


def allocation(evidence: Evidence, draws: Draws) -> Estimate | None:
    """Take the share of page faults, mapping and unmapping."""
    found = _plain(evidence, draws, "allocation")
    if found is None or not math.isfinite(evidence.total.minor_faults):
        return found
    words = f"{count(evidence.total.minor_faults)} minor page faults a call; {found.evidence}"
    return Estimate("allocation", found.seconds, found.replicates, "sample", "unconfirmed", words)


def threads(evidence: Evidence, draws: Draws) -> Estimate | None:
    """Take the share of starting threads, barriers and spinning, and what is waited for threads of one's own."""
    found = _plain(evidence, draws, "threads")
    if found is None or evidence.condition.threads == 1:
        return found
    total, serial = evidence.total, evidence.serial_off_cpu
    if not math.isfinite(total.off_cpu) or not math.isfinite(serial):
        return found
    waiting = max(0.0, waiting_of(total) - max(0.0, serial))
    words = f"{found.evidence}, and {seconds(waiting)} on no processor that one thread does not wait"
    replicates = found.replicates + waiting / total.value * total.replicates
    return Estimate("threads", found.seconds + waiting, replicates, "sample", "unconfirmed", words)


def idle(evidence: Evidence, draws: Draws) -> Estimate | None:
    """Add to the time on no processor what goes into entering and leaving waits.

    Samples see the part of it that interrupts can reach, counting knows the whole on a quiet machine: where both are
    there, it lies between them.
    """
    off = idle_by_clocks(evidence, draws)
    if off is None:
        return None
    asked = (_plain(evidence, draws, "idle"), in_and_out_of_waits(evidence, draws))
    known = [part for part in asked if part is not None and part.seconds > 0]
    if not known:
        return off
    first, last = known[0], known[-1]
    position = draws.positions("entering and leaving waits")
    return Estimate(
        "idle",
        off.seconds + (first.seconds + last.seconds) / 2,
        off.replicates + first.replicates + position * (last.replicates - first.replicates),
        "count",
        "confirmed",
        f"{off.evidence}; entering and leaving waits: {'; '.join(part.evidence for part in known)}",
    )


def _plain(evidence: Evidence, draws: Draws, cause: str) -> Estimate | None:
    shares = evidence.samples
    if shares is None or shares.total < _LEAST_SAMPLES:
        return None
    value, replicates = seconds_in(evidence.total, shares, cause, draws)
    return Estimate(cause, value, replicates, "sample", "unconfirmed", _share(shares, cause))


def _share(shares: Shares, cause: str) -> str:
    words = f"{percent(shares.share(cause))} of {count(shares.total)} CPU samples"
    leading = shares.leading.get(cause, "")
    return f"{words}, most in {leading}" if leading else words


def _takes_the_same_steps(evidence: Evidence) -> bool:
    fixed, small = fixed_cost(evidence), evidence.small_samples
    return fixed is not None and fixed.driver == "nothing" and small is not None and small.total >= _LEAST_SAMPLES
