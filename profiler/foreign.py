"""Traces recorded elsewhere: reads each, and leaves tables and a report in a folder of their own."""

from __future__ import annotations

import datetime
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from profiler.errors import UsageError
from profiler.report.device_plot import states_plot
from profiler.report.escape import visible
from profiler.report.foreign import STATES_PLOT, foreign_markdown, foreign_object, verdict_of
from profiler.report.page import html_page
from profiler.store import RunDirectory, file_stem, write_atomically
from profiler.tables.files import write_table
from profiler.tables.foreign import BUILDERS, TRACE_FINDINGS, TRACE_STATES, TRACES, ForeignTrace, build_foreign
from profiler.trace.device_integrity import device_findings
from profiler.trace.launch_join import link
from profiler.trace.reading import read_device_trace

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TraceReport", "report_traces"]

_KINDS = re.compile(r"(\.pt)?(\.trace)?\.(json|sqlite|nsys-rep)(\.gz)?$")


@dataclass(frozen=True)
class TraceReport:
    """Hold what `report_traces` left: the folder and its tables by name."""

    path: Path
    frames: Mapping[str, pd.DataFrame]

    def as_dict(self) -> dict[str, Any]:
        """Give everything as plain values."""
        return foreign_object(self.frames, str(self.path))

    def as_text(self) -> str:
        """Say in short what the traces hold, for a terminal."""
        lines = []
        for name in self.frames[TRACES.name]["trace"]:
            told = verdict_of(self.frames, str(name)).replace("`", "")
            lines.append(f"{visible(str(name))}: {told}")
            found = self.frames[TRACE_FINDINGS.name]
            lines += [
                f"  not sound or not read: {visible(str(text))}" for text in found[found["trace"] == name]["finding"]
            ]
        return "\n".join([*lines, "", f"report  {self.path / 'report.md'}", f"        {self.path / 'report.html'}"])


def report_traces(files: Sequence[Path], out: Path | None = None) -> TraceReport:
    """Read traces, one after the other, and write their tables and one report with a section each.

    Raises TraceError where a file cannot be read, UsageError where `out` is not an empty or new folder.
    """
    folder = _folder(files, out)
    traces = [_read(path, name) for path, name in zip(files, _names(files), strict=True)]
    frames = build_foreign(traces)
    run = RunDirectory(folder)
    for table, _ in BUILDERS:
        write_table(run, table, frames[table.name])
    plot = states_plot(frames[TRACE_STATES.name])
    if plot:
        write_atomically(run.plots / STATES_PLOT, plot.encode())
    command = shlex.join(["convprof", "trace", *map(str, files)])
    markdown = foreign_markdown(frames, command, has_plot=bool(plot))
    write_atomically(run.report_path, markdown.encode())
    write_atomically(run.html_path, html_page(markdown, {STATES_PLOT: plot} if plot else {}).encode())
    return TraceReport(folder, frames)


def _read(path: Path, name: str) -> ForeignTrace:
    linked = link(read_device_trace(path))
    return ForeignTrace(name, linked, tuple(device_findings(linked)))


def _names(files: Sequence[Path]) -> list[str]:
    """Name each trace by its file, numbered where names are alike."""
    stems = [_KINDS.sub("", path.name) for path in files]
    return [
        f"{stem}#{stems[: place + 1].count(stem)}" if stems.count(stem) > 1 else stem
        for place, stem in enumerate(stems)
    ]


def _folder(files: Sequence[Path], out: Path | None) -> Path:
    if not files:
        raise UsageError("no trace was named; give at least one file")
    if out is not None:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise UsageError(f"--out {out} exists and is not empty; name a new folder")
        return out
    moment = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
    more = f"-and-{len(files) - 1}-more" if len(files) > 1 else ""
    first = Path("reports") / f"{moment}-trace-{file_stem(_KINDS.sub('', files[0].name))}{more}"
    folder, number = first, 2
    while folder.exists():
        folder = first.with_name(f"{first.name}-{number}")
        number += 1
    return folder
