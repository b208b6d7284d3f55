"""Where the traces are, as relative links."""

from __future__ import annotations

from urllib.parse import quote

from profiler.records import Captured, NsysCaptured
from profiler.report.escape import code, plain
from profiler.report.view import RunView
from profiler.units import size

__all__ = ["trace_list"]


def trace_list(view: RunView) -> list[str]:
    """List each trace as a link with its size, or why there is none."""
    several = len(view.manifest.cases) > 1
    captured = {
        (record.implementation, record.case, record.threads): record
        for record in view.files.records
        if isinstance(record, Captured)
    }
    lines = []
    for record in captured.values():
        name = code(record.implementation) + (f" on {code(record.case)}" if several else "")
        path = view.run.path / record.trace
        if not record.trace:
            lines.append(f"{name}: no trace: {plain(record.reason)}")
        elif not path.is_file():
            lines.append(f"{name}: not kept in this folder")
        else:
            lines.append(f"{name}: [{code(path.name)}]({quote(record.trace)}), {size(path.stat().st_size)}")
    return lines + _nsys_lines(view)


def _nsys_lines(view: RunView) -> list[str]:
    """List each report of Nsight Systems with what it holds and what opens it, then what is in none."""
    records = {
        (record.implementation, record.case): record
        for record in view.files.records
        if isinstance(record, NsysCaptured)
    }
    lines = []
    for report in dict.fromkeys(record.report for record in records.values() if record.report):
        held = [record for record in records.values() if record.report == report]
        path = view.run.path / report
        ranges, calls = sum(record.ranges for record in held), sum(record.calls for record in held)
        holds = f"{ranges} of {calls} labelled calls in NVTX's domain `convprof`"
        if path.is_file():
            lines.append(
                f"Nsight Systems: [{code(path.name)}]({quote(report)}), {size(path.stat().st_size)}, {holds}; open it "
                f"with `nsys-ui {plain(report)}`, or have `convprof trace` read it"
            )
        else:
            lines.append(f"Nsight Systems: {code(path.name)} is not kept in this folder")
    several = len(view.manifest.cases) > 1
    for record in records.values():
        if not record.report:
            name = code(record.implementation) + (f" on {code(record.case)}" if several else "")
            lines.append(f"{name}: not in Nsight Systems: {plain(record.reason)}")
    return lines
