"""Gathers what a device did in a profiled call from the tables of its states and its kernels."""

from __future__ import annotations

import math
from typing import cast

import pandas as pd

from profiler.attribution.evidence import Condition, DeviceTimeline
from profiler.tables.device_words import ALL_STREAMS
from profiler.trace.device_states import BUSY, STATES, State

__all__ = ["device_timeline"]


def device_timeline(
    states: pd.DataFrame, kernels: pd.DataFrame, implementation: str, condition: Condition
) -> DeviceTimeline | None:
    """Give what the busiest device did for an implementation on a case, whatever the threads; None where none did."""
    whole = _of(states, implementation, condition)
    whole = whole[whole["stream"] == ALL_STREAMS]
    if whole.empty:
        return None
    busy = whole[whole["state"].isin(BUSY)].groupby("device_number")["seconds"].sum()
    number = busy.idxmax()
    rows = whole[whole["device_number"] == number].set_index("state").reindex(list(STATES))
    window = float(rows["seconds"].sum())
    spent = {cast(State, str(state)): float(value) for state, value in rows["seconds"].items()}
    ranges = {cast(State, str(state)): _range(window, row) for state, row in rows.iterrows()}
    own = _of(kernels, implementation, condition)
    own = own[own["device_number"] == number]
    return DeviceTimeline(
        seconds=spent,
        ranges=ranges,
        # Kernels, copies and sets vary together where calls differ in length: their ends add up at the widest.
        busy_range=(sum(ranges[state][0] for state in BUSY), sum(ranges[state][1] for state in BUSY)),
        layout_s=float(own[own["kind"] == "layout"]["device_s"].sum()),
        calls=int(rows["calls"].iloc[0]),
    )


def _of(frame: pd.DataFrame, implementation: str, condition: Condition) -> pd.DataFrame:
    return frame[
        (frame["implementation"] == implementation)
        & (frame["case"] == condition.case)
        & (frame["device"] == condition.device)
    ]


def _range(window: float, row: pd.Series) -> tuple[float, float]:
    value, low, high = (float(row[name]) for name in ("seconds", "share_low", "share_high"))
    if not (math.isfinite(low) and math.isfinite(high)):
        return value, value
    return min(value, low * window), max(value, high * window)
