"""Estimators by switch: what a call no longer takes once the cause is removed, measured in the same rounds."""

from __future__ import annotations

import math
from collections.abc import Iterable

from profiler.attribution.draws import Draws
from profiler.attribution.estimate import Estimate
from profiler.attribution.evidence import Evidence, SwitchEffect
from profiler.units import count, seconds

__all__ = ["allocation", "autograd", "told"]

_GRAD_SWITCH = "inference_mode"
_MEMORY_SWITCH = "recycled_memory"
# A switch that leaves more of what it should remove does not reach it, and says nothing of its cost.
_MOST_FAULTS_LEFT = 0.1


def autograd(evidence: Evidence, draws: Draws) -> Estimate | None:  # noqa: ARG001 - one signature for all
    """Take what calling under inference_mode saves; nothing where calls run so anyway."""
    effect = evidence.switches.get(_GRAD_SWITCH)
    return None if effect is None else _estimate("autograd", effect, evidence)


def allocation(evidence: Evidence, draws: Draws) -> Estimate | None:  # noqa: ARG001 - one signature for all
    """Take what an allocator that keeps its memory saves, where page faults vanish with it."""
    effect = evidence.switches.get(_MEMORY_SWITCH)
    if effect is None or not math.isfinite(evidence.total.minor_faults):
        return None
    before, after = evidence.total.minor_faults, effect.switched.minor_faults
    if before < 1 or not after <= _MOST_FAULTS_LEFT * before:
        return None
    words = f"{count(before)} minor page faults per call, {count(after)} with {effect.name}: "
    return _estimate("allocation", effect, evidence, words)


def told(effects: Iterable[SwitchEffect]) -> str:
    """Say what switches save, one after the other; empty where there are none."""
    return "; ".join(f"{effect.name} saves {seconds(effect.first_in)}" for effect in effects)


def _estimate(cause: str, effect: SwitchEffect, evidence: Evidence, words: str = "") -> Estimate:
    words += (
        f"{seconds(evidence.total.value)} as it is, {seconds(effect.switched.value)} with {effect.name} "
        f"({effect.summary})"
    )
    if effect.partner:
        words += (
            f"; {seconds(effect.first_in)} saved alone, {seconds(effect.last_in)} after all other switches, "
            f"Shapley value {seconds(effect.seconds)}; most interaction with {effect.partner}"
        )
    return Estimate(
        cause,
        effect.seconds,
        effect.replicates,
        "switch",
        "confirmed",
        words,
        interaction=effect.interaction,
        flips=effect.flips,
    )
