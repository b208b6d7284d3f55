"""What a device was doing during a call, in disjoint states."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from profiler.tables.device_profile import DeviceProfile
from profiler.tables.device_words import known, stream_words
from profiler.tables.inputs import CAPTURE_THREADS, Inputs
from profiler.tables.schema import Table, count, number, text
from profiler.trace.device_states import STATES, StateTimes

__all__ = ["DEVICE_STATES", "build"]

DEVICE_STATES = Table(
    "device_states",
    "one state of one device, or of one of its streams, during the calls of one implementation",
    (
        text("implementation", "name of the implementation"),
        text("case", "case name"),
        text("device", "cpu or cuda"),
        count("threads", "threads allowed"),
        count("device_number", "number of the device"),
        text("stream", "one stream, or all: busy is then what any of them is"),
        text("state", "what it runs, or what the host does while it is idle; the states of a call sum to it"),
        number("seconds", "seconds per call, under the profiler: mechanism, not magnitude, where it is idle", "s"),
        number("share", "of the calls' time"),
        number("share_low", "95 % interval of the share over labelled calls, lower end; empty with fewer than 5"),
        number("share_high", "95 % interval of the share over labelled calls, upper end; empty with fewer than 5"),
        count("calls", "labelled calls behind the figures"),
    ),
)

_REPLICATES = 1000
_FEWEST_CALLS = 5


def build(inputs: Inputs) -> pd.DataFrame:
    """Give the states of every implementation that is right and has a sound trace with device work."""
    rows: list[dict[str, object]] = []
    for implementation, case in inputs.right():
        profile = inputs.device_profile(implementation, case)
        key = {
            "implementation": implementation,
            "case": case,
            "device": inputs.manifest.device,
            "threads": CAPTURE_THREADS,
        }
        rows += [key | each for each in _states(profile)] if profile is not None else []
    return DEVICE_STATES.frame(rows)


def _states(profile: DeviceProfile) -> Iterator[dict[str, object]]:
    for times in profile.states:
        whole = float(times.nanoseconds.sum())
        low, high = _interval(times)
        for place, state in enumerate(STATES):
            spent = float(times.nanoseconds[:, place].sum())
            yield {
                "device_number": known(times.queue.device),
                "stream": stream_words(times.queue),
                "state": state,
                "seconds": spent * 1e-9 / profile.calls,
                "share": spent / whole if whole else np.nan,
                "share_low": low[place],
                "share_high": high[place],
                "calls": profile.calls,
            }


def _interval(times: StateTimes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Resample calls with replacement; each state's time over all states' is a ratio of sums."""
    calls = len(times.nanoseconds)
    if calls < _FEWEST_CALLS or not times.nanoseconds.any():
        nothing = np.full(len(STATES), np.nan)
        return nothing, nothing
    weights = np.random.default_rng(calls).multinomial(calls, np.full(calls, 1 / calls), size=_REPLICATES)
    sums = weights @ times.nanoseconds.astype(np.float64)
    shares = sums / sums.sum(axis=1, keepdims=True)
    low, high = np.percentile(shares, [2.5, 97.5], axis=0)
    return low, high
