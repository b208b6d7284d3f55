"""How long launched kernels wait before they start, and on what they ran."""

from __future__ import annotations

from profiler.attribution.evidence import Condition
from profiler.report.escape import code, inline
from profiler.report.markdown_table import markdown_table
from profiler.report.view import RunView, value_of
from profiler.tables.launch_latency import LAUNCH_LATENCY
from profiler.units import count, seconds

__all__ = ["latency_table", "what_ran"]

_HEADER = ("implementation", "kernel", "launches", "host's call", "queued", "submitted", "launch latency")
_OPENCL = "opencl"


def latency_table(view: RunView, condition: Condition) -> str:
    """Lay out the waits of one condition, in the order of the ranking; '' where no runtime told any."""
    waits = view.rows(LAUNCH_LATENCY, condition)
    rows = [
        (
            code(each.implementation),
            code(str(row["kernel"])),
            count(value_of(row["launches"])),
            *(seconds(value_of(row[column])) for column in ("call_s", "queued_s", "submitted_s", "latency_s")),
        )
        for each in view.ranking(condition)
        for _, row in waits[waits["implementation"] == each.implementation].iterrows()
    ]
    return markdown_table(_HEADER, rows, "ll" + "r" * 5) if rows else ""


def what_ran(view: RunView, condition: Condition) -> str:
    """Say that OpenCL's kernels ran on a processor, and on which; '' where there are none."""
    waits = view.rows(LAUNCH_LATENCY, condition)
    devices = waits.loc[waits["runtime"] == _OPENCL, "runs_on"].drop_duplicates()
    if devices.empty:
        return ""
    named = " and ".join(inline(str(device)) for device in devices)
    return (
        f"These are OpenCL kernels on a CPU: {named}. Their launches are real, and their latency is this runtime's; "
        "none of it is evidence about a GPU."
    )
