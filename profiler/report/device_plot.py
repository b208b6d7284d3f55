"""The picture of what devices did, as SVG text: one bar a device, its states one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from profiler.report.drawing import INK, figure_of, name_rows, svg_of, title
from profiler.tables.device_words import ALL_STREAMS
from profiler.trace.device_states import BUSY, STATES, State

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["states_plot"]

# What a device runs is dark, what it waits for pale; neighbours differ in lightness too, and idle states in hatching.
_COLOURS: Mapping[State, str] = {
    "kernel": "#0072b2",
    "copy": "#882255",
    "set": "#44aa99",
    "overhead": "#bbbbbb",
    "gap": "#f0e442",
    "launch": "#d55e00",
    "latency": "#e69f00",
    "allocation": "#009e73",
    "runtime": "#cc79a7",
    "operator": "#56b4e9",
    "synchronization": "#999999",
    "python": "#ddcc77",
    "nothing": "#ffffff",
}
_LEAST_SHARE = 0.0005


def states_plot(states: pd.DataFrame) -> str:
    """Draw the shares of each device's states, from rows of a table of states; '' where nothing ran on a device."""
    whole = states[states["stream"] == ALL_STREAMS]
    bars = list(whole.groupby(["trace", "device_number"], sort=False))[::-1]
    if not bars:
        return ""
    with figure_of(len(bars), below=0.95) as (figure, axes):
        drawn: list[str] = []
        for place, (_, rows) in enumerate(bars):
            drawn += _draw(axes, place, rows)
        axes.set_xlim(0, 100)
        axes.set_xlabel("share of the recorded time (%)")
        name_rows(axes, [f"device {device}, {trace}" for (trace, device), _ in bars])
        title(axes, "What the devices did, or the host while they were idle")
        _legend(axes, [state for state in STATES if state in drawn])
        return svg_of(figure)


def _draw(axes: Axes, place: int, rows: pd.DataFrame) -> list[str]:
    left, drawn = 0.0, []
    for state, share in zip(rows["state"], rows["share"], strict=True):
        if not share > _LEAST_SHARE:
            continue
        axes.barh(place, 100 * share, left=left, height=0.62, color=_COLOURS[state], edgecolor=INK, linewidth=0.4,
                  hatch=None if state in BUSY else "///")  # fmt: skip
        left += 100 * share
        drawn.append(str(state))
    return drawn


def _legend(axes: Axes, states: list[State]) -> None:
    from matplotlib.patches import Patch

    handles = [
        Patch(facecolor=_COLOURS[state], edgecolor=INK, linewidth=0.4, hatch=None if state in BUSY else "///",
              label=state if state in BUSY else f"idle: {state}")
        for state in states
    ]  # fmt: skip
    axes.figure.legend(handles=handles, loc="outside lower center", ncols=5, frameon=False)
