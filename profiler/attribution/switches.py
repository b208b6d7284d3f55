"""The table `switches`: what each output-preserving change saves, and which ones were tried without effect."""

from __future__ import annotations

import math
from typing import Any

from profiler.attribution.budget import interval_around
from profiler.attribution.effects import JOINT_SHARE
from profiler.attribution.evidence import Condition, Evidence, SwitchEffect
from profiler.attribution.gather import Gathered
from profiler.records import Screened
from profiler.units import count, seconds

__all__ = ["switch_table_rows"]


def switch_table_rows(gathered: Gathered, condition: Condition) -> list[dict[str, Any]]:
    """Give a row for every switch that was tried in a condition, measured ones first for each implementation."""
    rows = []
    for implementation in gathered.implementations(condition):
        evidence = gathered.evidence(implementation, condition)
        if evidence is None:
            continue
        tried = gathered.switches_tried(implementation, condition)
        measured = [each for each in tried if each.switch in evidence.switches]
        rows += [_row(each, evidence, evidence.switches[each.switch]) for each in measured]
        rows += [_row(each, evidence, None) for each in tried if each not in measured]
    return rows


def _row(screened: Screened, evidence: Evidence, effect: SwitchEffect | None) -> dict[str, Any]:
    low, high = math.nan, math.nan
    if effect is not None:
        low, high = interval_around(effect.seconds, effect.replicates, evidence.processes)
    return {
        "implementation": screened.implementation,
        "case": screened.case,
        "device": screened.device,
        "threads": screened.threads,
        "switch": screened.switch,
        "cause": screened.cause,
        "summary": screened.summary,
        "composable": screened.composable,
        "measured": effect is not None,
        "seconds": effect.seconds if effect is not None else math.nan,
        "ci_low_s": low,
        "ci_high_s": high,
        "first_in_s": effect.first_in if effect is not None else math.nan,
        "last_in_s": effect.last_in if effect is not None else math.nan,
        "minor_faults_as_is": evidence.total.minor_faults,
        "minor_faults_switched": effect.switched.minor_faults if effect is not None else math.nan,
        "status": _status(effect, low, high) if effect is not None else "not measured",
        "evidence": _told(effect, evidence) if effect is not None else _untold(screened),
    }


def _status(effect: SwitchEffect, low: float, high: float) -> str:
    if effect.flips or effect.interaction > JOINT_SHARE * max(abs(effect.first_in), abs(effect.last_in)):
        return "joint"
    if math.isfinite(low) and (low > 0 or high < 0):
        return "confirmed"
    return "no effect"


def _told(effect: SwitchEffect, evidence: Evidence) -> str:
    words = f"{seconds(evidence.total.value)} as it is, {seconds(effect.switched.value)} with it"
    if math.isfinite(effect.switched.minor_faults) and evidence.total.minor_faults >= 1:
        faults = evidence.total.minor_faults, effect.switched.minor_faults
        words += f"; {count(faults[0])} minor faults per call, {count(faults[1])} with it"
    if effect.partner:
        words += f"; {seconds(effect.interaction)} of interaction with {effect.partner}"
    return words


def _untold(screened: Screened) -> str:
    if screened.reason:
        return screened.reason
    if screened.kept:
        return "worth measuring, but there was no time for it; allow more --time"
    if screened.seconds_as_is is None or screened.seconds_switched is None:
        return "not tried: see the notices"
    return (
        f"no effect beyond the noise of a short trial: {seconds(screened.seconds_as_is)} as it is, "
        f"{seconds(screened.seconds_switched)} with it"
    )
