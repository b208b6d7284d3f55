"""Where the traces are, as relative links."""

from __future__ import annotations

from urllib.parse import quote

from profiler.records import Captured
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
    return lines
