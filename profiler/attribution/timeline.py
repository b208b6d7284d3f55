"""The estimators of runs on an accelerator: the device's states over the clean median.

What the device ran lasts as long under the profiler as without it, by its own clock, so its seconds count as they are.
So do its gaps between two pieces of work that both lay in its queue, which no host makes longer.
What the host did meanwhile is slower under the profiler, so of it only shares count. With T the median of unprofiled
calls, B the device's busy time in a call, G its gaps and s the share of a host state in the rest of its idle time,

    idle = min(G, T - B) + s x (T - B - G)    with s that of the waits,
    cause = s x max(0, T - B - G)             for what else the device waited for,
    traffic = copies, sets, kernels that only rearrange memory, and M of the other kernels,
    arithmetic = the other kernels less the floor and M.

M is what the bytes that operators move beyond the compulsory ones take at the device's copy bandwidth, modelled, and no
more than the other kernels take beyond the floor: what passes through memory between elementwise kernels.

Where the switch of gradients was thrown, what it saves has a row of its own and is taken from T - B - G.
Time in which nothing was recorded is nobody's, and is in the residual; so is what the recorder itself took, which is
no part of an unprofiled call and of whose share the others are freed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from profiler.attribution import switch
from profiler.attribution.bound import floor
from profiler.attribution.count import between_operators
from profiler.attribution.draws import Draws
from profiler.attribution.estimate import Estimate, Estimator
from profiler.attribution.evidence import DeviceTimeline, Evidence, Floats
from profiler.attribution.kernel_traffic import traffic_within
from profiler.attribution.words import speed
from profiler.trace.device_states import BUSY, State
from profiler.units import count, percent, seconds

__all__ = ["allocation", "arithmetic", "dispatch", "idle", "interpreter", "launch", "traffic"]

_WAITS: Mapping[str, Sequence[State]] = {
    "launch": ("launch", "latency"),
    "idle": ("synchronization",),
    "dispatch": ("operator", "runtime"),
    "interpreter": ("python",),
    "allocation": ("allocation",),
}


def _waiting(cause: str) -> Estimator:
    """Make the estimator of one cause for which the device waits."""

    def estimate(evidence: Evidence, draws: Draws) -> Estimate | None:
        timeline = evidence.timeline
        if timeline is None:
            return None
        idle_s, idle = _idle(evidence, timeline, draws)
        share, shares = _share(evidence, timeline, _WAITS[cause], draws)
        states = " and ".join(f"`{state}`" for state in _WAITS[cause])
        words = (
            f"device idle in {states} for {percent(share)} of its idle time in {count(timeline.calls)} profiled calls, "
            f"times the {seconds(idle_s)} that the unprofiled median leaves beside {_busy_words(evidence, timeline)}"
            f"{_beside_words(evidence, timeline, draws)}"
        )
        return Estimate(cause, share * idle_s, shares * idle, "timeline", "unconfirmed", words)

    estimate.__doc__ = f"Put down to {cause} its share of the device's idle time."
    return estimate


launch, _synchronization, dispatch, interpreter, allocation = map(_waiting, _WAITS)


def idle(evidence: Evidence, draws: Draws) -> Estimate | None:
    """Take the device's gaps by its own clock, and its share of the host's waits."""
    timeline, waits = evidence.timeline, _synchronization(evidence, draws)
    if timeline is None or waits is None:
        return None
    value, replicates = _gaps(evidence, timeline, draws)
    words = f"{seconds(value)} of gaps between pieces of work that lay in the device's queue, by its clock; and "
    return replace(
        waits,
        seconds=value + waits.seconds,
        replicates=replicates + waits.replicates,
        evidence=words + waits.evidence,
    )


def traffic(evidence: Evidence, draws: Draws) -> Estimate | None:
    """Take the device's time in copies, sets and kernels that only rearrange memory."""
    timeline = evidence.timeline
    if timeline is None:
        return None
    copying = timeline.seconds["copy"] + timeline.seconds["set"]
    value = _cut(evidence, timeline) * (copying + _layout(timeline))
    words = f"{seconds(copying)} of copies and sets and {seconds(_layout(timeline))} of kernels that only move data"
    words += ", by the device's clock"
    replicates = value * _spread(evidence, timeline, draws)
    between, betweens = _between(evidence, timeline, draws)
    found = between_operators(evidence)
    if found is not None and between > 0:
        words += f"; {found[2]}, at {speed(found[1], 'GB/s')}: {seconds(between)} of the other kernels, as modelled"
    return Estimate("traffic", value + between, replicates + betweens, "timeline", "unconfirmed", words)


def arithmetic(evidence: Evidence, draws: Draws) -> Estimate | None:
    """Take the device's time in kernels that compute, beyond the floor, or with it where it is not known."""
    timeline, bound = evidence.timeline, floor(evidence, draws)
    if timeline is None:
        return None
    computing = _cut(evidence, timeline) * (timeline.seconds["kernel"] - _layout(timeline))
    spread = _spread(evidence, timeline, draws)
    least, leasts = (0.0, np.zeros(draws.replicates)) if bound is None else (bound.seconds, bound.replicates)
    between, betweens = _between(evidence, timeline, draws)
    words = f"{seconds(computing)} of kernels that compute, by the device's clock, " + (
        "the floor among it: no limits of this device were measured"
        if bound is None
        else f"less the floor of {seconds(bound.seconds)}{f' and {seconds(between)} of traffic' if between > 0 else ''}"
    )
    return Estimate(
        "arithmetic",
        max(0.0, computing - least - between),
        np.maximum(0.0, computing * spread - leasts - betweens),
        "timeline",
        "unconfirmed",
        words,
    )


def _between(evidence: Evidence, timeline: DeviceTimeline, draws: Draws) -> tuple[float, Floats]:
    computing = _cut(evidence, timeline) * (timeline.seconds["kernel"] - _layout(timeline))
    return traffic_within(evidence, draws, computing, computing * _spread(evidence, timeline, draws))


def _spread(evidence: Evidence, timeline: DeviceTimeline, draws: Draws) -> Floats:
    busy = _busy_seconds(evidence, timeline)
    return _busy(evidence, timeline, draws) / busy if busy > 0 else np.ones(draws.replicates)


def _layout(timeline: DeviceTimeline) -> float:
    return min(timeline.layout_s, timeline.seconds["kernel"])


def _cut(evidence: Evidence, timeline: DeviceTimeline) -> float:
    """Give what to multiply busy seconds by, so that they are no more than the median."""
    busy = sum(timeline.seconds[state] for state in BUSY)
    return min(1.0, evidence.total.value / busy) if busy > 0 else 1.0


def _busy_seconds(evidence: Evidence, timeline: DeviceTimeline) -> float:
    return _cut(evidence, timeline) * sum(timeline.seconds[state] for state in BUSY)


def _busy(evidence: Evidence, timeline: DeviceTimeline, draws: Draws) -> Floats:
    """Draw the busy time from its spread over calls, and no more than a call takes."""
    low, high = timeline.busy_range
    drawn = low + (high - low) * draws.positions(f"device busy {evidence.implementation} {evidence.condition.case}")
    return np.minimum(drawn, evidence.total.replicates)


def _gaps(evidence: Evidence, timeline: DeviceTimeline, draws: Draws) -> tuple[float, Floats]:
    """Give the device's gaps, no more than a call has beside its work."""
    left, lefts = _unbusy(evidence, timeline, draws)
    low, high = timeline.ranges["gap"]
    drawn = low + (high - low) * draws.positions(f"device gap {evidence.implementation} {evidence.condition.case}")
    return min(timeline.seconds["gap"], left), np.minimum(drawn, lefts)


def _idle(evidence: Evidence, timeline: DeviceTimeline, draws: Draws) -> tuple[float, Floats]:
    """Give what a call leaves beside the device's work and its gaps: what the host makes it wait.

    Without what the switch of gradients saves: it has a row of its own, and is in the host's states as well.
    """
    (left, lefts), (gap, gaps) = _unbusy(evidence, timeline, draws), _gaps(evidence, timeline, draws)
    gradients = switch.autograd(evidence, draws)
    if gradients is None:
        return left - gap, lefts - gaps
    kept = np.maximum(0.0, lefts - gaps - np.maximum(0.0, gradients.replicates))
    return max(0.0, left - gap - max(0.0, gradients.seconds)), kept


def _unbusy(evidence: Evidence, timeline: DeviceTimeline, draws: Draws) -> tuple[float, Floats]:
    value = max(0.0, evidence.total.value - _busy_seconds(evidence, timeline))
    return value, np.maximum(0.0, evidence.total.replicates - _busy(evidence, timeline, draws))


def _share(evidence: Evidence, timeline: DeviceTimeline, states: Sequence[State], draws: Draws) -> tuple[float, Floats]:
    """Give the share of some states in the idle time that is neither the recorder's nor a gap, and its replicates."""
    idle_s = sum(spent for state, spent in timeline.seconds.items() if state not in (*BUSY, "overhead", "gap"))
    if not idle_s > 0:
        return 0.0, np.zeros(draws.replicates)
    value = sum(timeline.seconds[state] for state in states) / idle_s
    ranges = [timeline.ranges[state] for state in states]
    drawn = np.zeros(draws.replicates)
    for state, (low, high) in zip(states, ranges, strict=True):
        # Each side of a gap was profiled for itself: what one call's states vary by does not cancel another's.
        position = draws.positions(f"device {state} {evidence.implementation} {evidence.condition.case}")
        drawn = drawn + (low + (high - low) * position) / idle_s
    return value, np.clip(drawn, 0.0, 1.0)


def _beside_words(evidence: Evidence, timeline: DeviceTimeline, draws: Draws) -> str:
    left = max(0.0, evidence.total.value - _busy_seconds(evidence, timeline))
    gap = min(timeline.seconds["gap"], left)
    words = f" and {seconds(gap)} of gaps" if gap > 0 else ""
    effect = switch.autograd(evidence, draws)
    return f"{words} and {seconds(effect.seconds)} of gradients" if effect is not None and effect.seconds > 0 else words


def _busy_words(evidence: Evidence, timeline: DeviceTimeline) -> str:
    words = f"{seconds(_busy_seconds(evidence, timeline))} of device work"
    return words if _cut(evidence, timeline) == 1.0 else f"{words} (more was recorded: calls overlap, or clocks differ)"
