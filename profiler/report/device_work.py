"""What the device did in one call of each implementation, and what it waited for."""

from __future__ import annotations

import pandas as pd

from profiler.attribution.evidence import Condition
from profiler.report.escape import code
from profiler.report.markdown_table import markdown_table
from profiler.report.view import RunView
from profiler.tables.device_states import DEVICE_STATES
from profiler.tables.device_words import ALL_STREAMS
from profiler.tables.launches import LAUNCHES
from profiler.trace.device_states import BUSY, EXPOSED_LAUNCH, STATES
from profiler.units import UNKNOWN, count, percent, seconds, significant

__all__ = ["device_work_table"]

_HEADER = ("implementation", "kernels", "waiting", "busy", "of the call", "exposed launches", "most idle in")


def device_work_table(view: RunView, condition: Condition) -> str:
    """Lay out the device's part of a call, in the order of the ranking; '' where nothing ran on a device."""
    states = view.files.table(DEVICE_STATES)
    rows = []
    for each in view.ranking(condition):
        own = states[(states["implementation"] == each.implementation) & (states["case"] == condition.case)]
        own = own[own["stream"] == ALL_STREAMS]
        rows += [
            _row(view, each.implementation, condition, found.set_index("state"))
            for _, found in own.groupby("device_number", sort=False)
        ]
    return markdown_table(_HEADER, rows, "lrrrrrl") if rows else ""


def _row(view: RunView, name: str, condition: Condition, states: pd.DataFrame) -> tuple[str, ...]:
    idle = states.loc[[state for state in STATES if state not in BUSY], "share"]
    longest = str(idle.idxmax())
    return (
        code(name),
        count(view.figure(LAUNCHES, name, condition, "kernels")),
        significant(view.figure(LAUNCHES, name, condition, "queue_depth")),
        seconds(float(states.loc[list(BUSY), "seconds"].sum())),
        percent(float(states.loc[list(BUSY), "share"].sum())),
        percent(float(states.loc[list(EXPOSED_LAUNCH), "share"].sum())),
        f"`{longest}`, {percent(float(idle.max()))}" if float(idle.max()) > 0 else UNKNOWN,
    )
