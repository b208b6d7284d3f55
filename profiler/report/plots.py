"""The report's pictures, as SVG text: the ranking, and what each gap consists of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from profiler.attribution.causes import CAUSE_IDS
from profiler.attribution.evidence import Condition
from profiler.report.drawing import GRID, INK, figure_of, name_rows, svg_of, title
from profiler.report.escape import visible
from profiler.report.ladder import rung_name
from profiler.report.threads import threads_of
from profiler.report.verdict import refusals_of
from profiler.report.view import Ranked, RunView
from profiler.store import file_stem
from profiler.tables.ladder import LADDER
from profiler.units import ratio, seconds

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["gaps_plot", "ladder_plot", "plot_name", "ranking_plot"]

# Told apart under the common kinds of colour blindness (Okabe and Ito), and by place and hatching besides.
_FAMILIES = {"manual": "#d55e00", "library": "#0072b2"}
_CAUSES = {
    "interpreter": "#e69f00",
    "dispatch": "#0072b2",
    "autograd": "#cc79a7",
    "launch": "#882255",
    "idle": "#999999",
    "threads": "#44aa99",
    "allocation": "#009e73",
    "traffic": "#56b4e9",
    "arithmetic": "#f0e442",
    "floor": "#555555",
    "residual": "#ffffff",
}
_SHARE_LIMITS = (-60.0, 160.0)
_PALE = 0.35


def plot_name(kind: str, condition: Condition) -> str:
    """Name a plot's file."""
    return f"{kind}-{file_stem(condition.case)}-{condition.threads}.svg"


def ranking_plot(view: RunView, condition: Condition) -> str:
    """Draw the time per call of every implementation, with its interval, on a logarithmic axis."""
    ranking = view.ranking(condition)[::-1]
    with figure_of(len(ranking)) as (figure, axes):
        axes.set_xscale("log")
        for place, each in enumerate(ranking):
            _draw_median(axes, place, each)
        for each in ranking:
            if each.is_baseline:
                axes.axvline(each.median_s, color=INK, linewidth=0.8, linestyle=(0, (2, 3)), zorder=0)
        name_rows(axes, [each.implementation for each in ranking])
        _time_axis(axes, [each.median_s for each in ranking])
        title(axes, f"Time per call, {condition.case}, {threads_of(condition)} (log scale; bars: 95 % interval)")
        _family_legend(axes, ranking)
        return svg_of(figure)


def ladder_plot(view: RunView, condition: Condition) -> str:
    """Draw the rungs from top to bottom on a logarithmic axis, and what was predicted; '' where there are none."""
    from matplotlib.lines import Line2D

    rungs = view.rows(LADDER, condition)
    if rungs.empty:
        return ""
    with figure_of(len(rungs)) as (figure, axes):
        axes.set_xscale("log")
        places = range(len(rungs))[::-1]
        for place, (_, rung) in zip(places, rungs.iterrows(), strict=True):
            median, predicted = float(rung["median_s"]), float(rung["predicted_s"])
            axes.plot([median], [place], "o", color=INK, markersize=6)
            axes.annotate(seconds(median), (median, place), xytext=(9, -3), textcoords="offset points", color=INK)
            if predicted > 0:
                ends = [[predicted - float(rung["predicted_low_s"])], [float(rung["predicted_high_s"]) - predicted]]
                axes.errorbar([predicted], [place + 0.22], xerr=ends, fmt="D", color=_FAMILIES["manual"],
                              markersize=4, linewidth=1.2)  # fmt: skip
        name_rows(axes, [rung_name(rung) for _, rung in rungs.iterrows()][::-1])
        known = [float(value) for value in [*rungs["median_s"], *rungs["predicted_s"]] if value > 0]
        _time_axis(axes, known)
        title(axes, f"Rung by rung, {condition.case}, {threads_of(condition)} (log scale)")
        handles = [
            Line2D([], [], marker="o", linestyle="", color=INK, label="measured", markersize=6),
            Line2D([], [], marker="D", color=_FAMILIES["manual"], label="predicted from the rung before", markersize=4),
        ]
        axes.legend(handles=handles, loc="lower right", frameon=False)
        return svg_of(figure)


def gaps_plot(view: RunView, condition: Condition) -> str:
    """Draw each manual implementation's gap to the baseline, split over its causes; '' where none was split."""
    baseline = view.manifest.baseline
    subjects = [
        each
        for each in view.ranking(condition)[::-1]
        if not each.is_baseline and each.family == "manual" and not view.gap(each.implementation, condition).empty
    ]
    if not subjects:
        return ""
    with figure_of(len(subjects), below=0.75) as (figure, axes):
        drawn: list[str] = []
        for place, each in enumerate(subjects):
            drawn += _draw_gap(view, axes, place, each, condition)
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.axvline(100, color=INK, linewidth=0.8, linestyle=(0, (2, 3)))
        axes.set_xlim(*_SHARE_LIMITS)
        axes.set_xlabel(f"share of the gap to {visible(baseline)} (%); a negative share makes the gap smaller")
        name_rows(axes, [each.implementation for each in subjects])
        title(axes, f"Gaps to {visible(baseline)} by cause, {condition.case}, {threads_of(condition)}")
        pale = any(refusals_of(view.gap(each.implementation, condition)) for each in subjects)
        _cause_legend(axes, [cause for cause in CAUSE_IDS if cause in drawn], pale=pale)
        return svg_of(figure)


def _draw_median(axes: Axes, place: int, each: Ranked) -> None:
    colour = _FAMILIES.get(each.family, INK)
    if math.isfinite(each.low_s):
        axes.plot([each.low_s, each.high_s], [place, place], color=colour, linewidth=3, alpha=0.45)
    axes.plot([each.median_s], [place], marker="o", markersize=5.5, color=colour)
    label = f"{seconds(each.median_s)}, " + ("baseline" if each.is_baseline else ratio(each.ratio))
    axes.annotate(
        label,
        (each.high_s if math.isfinite(each.high_s) else each.median_s, place),
        (8, 0),
        textcoords="offset points",
        va="center",
        color=INK,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0},
    )


def _draw_gap(view: RunView, axes: Axes, place: int, each: Ranked, condition: Condition) -> list[str]:
    """Stack the shares of one gap, positive ones to the right and negative ones to the left; give the causes drawn."""
    gap = view.gap(each.implementation, condition)
    alpha = _PALE if refusals_of(gap) else 1.0
    ends = {True: 0.0, False: 0.0}
    drawn = []
    for cause, share in gap["share"].items():
        width = 100 * float(share)
        if not math.isfinite(width) or abs(width) < 0.05:
            continue
        axes.barh(place, width, left=ends[width > 0], height=0.62, color=_CAUSES[str(cause)], alpha=alpha,
                  edgecolor=INK, linewidth=0.5, hatch="////" if cause == "residual" else None)  # fmt: skip
        ends[width > 0] += width
        drawn.append(str(cause))
    beyond = "…  " if ends[True] > _SHARE_LIMITS[1] else ""
    axes.annotate(f"{beyond}{seconds(float(gap['seconds'].sum()), signed=True)}", (1.01, place),
                  xycoords=("axes fraction", "data"), va="center", color=INK)  # fmt: skip
    if ends[False] < _SHARE_LIMITS[0]:
        axes.annotate("…", (0.004, place), xycoords=("axes fraction", "data"), va="center", color=INK,
                      bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0})  # fmt: skip
    return drawn


def _time_axis(axes: Axes, medians: Sequence[float]) -> None:
    """Mark whole powers of ten in words, and leave room on the right for the labels."""
    from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

    low, high = math.log10(min(medians)), math.log10(max(medians))
    left, right = low - 0.06 * (high - low) - 0.05, high + 0.32 * (high - low) + 0.3
    axes.set_xlim(10**left, 10**right)
    powers = [10.0**power for power in range(math.ceil(left), math.floor(right) + 1)]
    axes.xaxis.set_major_locator(FixedLocator(powers))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xticklabels([seconds(power).replace(".00", "").replace(".0", "") for power in powers])
    axes.grid(axis="x", color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)


def _family_legend(axes: Axes, ranking: Sequence[Ranked]) -> None:
    from matplotlib.lines import Line2D

    families = [family for family in _FAMILIES if any(each.family == family for each in ranking)]
    handles = [
        Line2D([], [], marker="o", linestyle="", color=_FAMILIES[family], label=family, markersize=5.5)
        for family in families
    ]
    axes.legend(handles=handles, loc="upper right", frameon=False)


def _cause_legend(axes: Axes, causes: Sequence[str], *, pale: bool) -> None:
    from matplotlib.patches import Patch

    handles = [
        Patch(facecolor=_CAUSES[cause], edgecolor=INK, linewidth=0.5, label=cause,
              hatch="////" if cause == "residual" else None)
        for cause in causes
    ]  # fmt: skip
    if pale:
        handles.append(Patch(facecolor=INK, edgecolor=INK, linewidth=0.5, alpha=_PALE, label="pale: refused"))
    axes.figure.legend(handles=handles, loc="outside lower center", ncols=min(6, max(1, len(handles))), frameon=False)
