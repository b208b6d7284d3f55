"""Reads what Nsight Systems recorded: an export as SQLite, or a report, which the installed nsys exports first."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from profiler.nsys import export_report
from profiler.trace.device_events import DeviceActivities, DeviceTrace, HostCalls, HostSpans, coded
from profiler.trace.nsight.activities import read_activities, read_devices
from profiler.trace.nsight.database import KNOWN_SCHEMA, NsightDatabase
from profiler.trace.nsight.identity import Processes, Threads
from profiler.trace.nsight.ranges import read_nvtx

__all__ = ["REPORT_SUFFIXES", "is_nsight", "read_nsight"]

REPORT_SUFFIXES = (".nsys-rep", ".qdrep")  # the second until 2021

_SQLITE_MAGIC = b"SQLite format 3\x00"
_CALLS = "CUPTI_ACTIVITY_KIND_RUNTIME"
# Rows of this class repeat the correlation of the call that their backtrace belongs to (CUDABACKTRACE).
_BACKTRACE_CLASS = 67
_OS_CALL_CLASS = 27
_ERROR_SEVERITY = 3
# CUPTI names a runtime call with the CUDA version of its signature: cudaLaunchKernel_v7000. A driver's _v2 is its name.
_SIGNATURE = re.compile(r"_v\d{4,5}$")
_MESSAGES_SHOWN = 3

_Integers = NDArray[np.int64]


def is_nsight(path: Path, head: bytes) -> bool:
    """Say whether a file is one of Nsight Systems: a report by its name, an export by its first bytes."""
    return path.name.endswith((".sqlite", *REPORT_SUFFIXES)) or head.startswith(_SQLITE_MAGIC)


def read_nsight(path: Path) -> DeviceTrace:
    """Read a `.sqlite` export, or a report (`.nsys-rep`, `.qdrep`) through the installed nsys.

    Raises TraceError where the file is no such thing, is damaged, or where nsys is needed and cannot export it.
    """
    if not path.name.endswith(REPORT_SUFFIXES):
        return _read_export(path)
    with tempfile.TemporaryDirectory() as folder:
        export = Path(folder) / "export.sqlite"
        export_report(path, export)
        return _read_export(export)


def _read_export(path: Path) -> DeviceTrace:
    with NsightDatabase(path) as database:
        processes, threads = Processes(), Threads()
        activities = read_activities(database, processes)
        calls = _calls(database, processes, threads)
        os_calls = _os_calls(database, threads)
        nvtx = read_nvtx(database, threads, _last(activities.end_ns, calls.end_ns, os_calls.end_ns))
        overheads = _overheads(database, threads)
        return DeviceTrace(
            source=database.product,
            threads=threads.names,
            devices=read_devices(database),
            host_calls=calls,
            activities=activities,
            ranges=nvtx.ranges,
            operators=nvtx.operators,
            os_calls=os_calls,
            overheads=overheads,
            losses=(*_losses(database, nvtx.unclosed), *_shared_streams(activities)),
        )


def _calls(database: NsightDatabase, processes: Processes, threads: Threads) -> HostCalls:
    columns = database.integers(
        _CALLS, ("start", "end", "globalTid", "correlationId", "nameId"), condition=_unless(database, _BACKTRACE_CLASS)
    )
    names, name_codes = coded(_SIGNATURE.sub("", database.string(each)) for each in columns["nameId"].tolist())
    return HostCalls(
        names=names,
        name_codes=name_codes,
        thread_codes=threads.codes(columns["globalTid"]),
        start_ns=columns["start"],
        end_ns=columns["end"],
        correlation=processes.key(columns["globalTid"], columns["correlationId"]),
    )


def _unless(database: NsightDatabase, event_class: int) -> str:
    return f"eventClass <> {event_class}" if database.has(_CALLS, "eventClass") else ""


def _os_calls(database: NsightDatabase, threads: Threads) -> HostSpans:
    condition = f"eventClass = {_OS_CALL_CLASS}" if database.has("OSRT_API", "eventClass") else ""
    return _spans(database, "OSRT_API", threads, condition)


def _overheads(database: NsightDatabase, threads: Threads) -> HostSpans:
    parts = [_spans(database, table, threads) for table in ("PROFILER_OVERHEAD", "CUPTI_ACTIVITY_KIND_OVERHEAD")]
    names, name_codes = coded(part.name_of(row) for part in parts for row in range(len(part)))
    return HostSpans(
        names=names,
        name_codes=name_codes,
        thread_codes=np.concatenate([part.thread_codes for part in parts]),
        start_ns=np.concatenate([part.start_ns for part in parts]),
        end_ns=np.concatenate([part.end_ns for part in parts]),
    )


def _spans(database: NsightDatabase, table: str, threads: Threads, condition: str = "") -> HostSpans:
    columns = database.integers(table, ("start", "end", "nameId"), ("globalTid",), condition)
    names, name_codes = coded(database.string(each) for each in columns["nameId"].tolist())
    return HostSpans(
        names=names,
        name_codes=name_codes,
        thread_codes=threads.codes(columns["globalTid"]),
        start_ns=columns["start"],
        end_ns=columns["end"],
    )


def _last(*columns: _Integers) -> int:
    return max((int(column.max()) for column in columns if len(column)), default=0)


def _losses(database: NsightDatabase, unclosed: int) -> list[str]:
    """Say what of the file is not in the columns, and what its recorder reports as an error."""
    losses = []
    if database.is_newer:
        known = ".".join(map(str, KNOWN_SCHEMA))
        losses.append(
            f"the file has schema {database.schema}, later than {known}, the latest that is known here: what was "
            "renamed since is missing"
        )
    if unclosed:
        losses.append(f"{unclosed} NVTX ranges were still open when recording ended; they end with it")
    metrics = database.count("GPU_METRICS")
    if metrics:
        losses.append(
            f"{metrics} samples of GPU metrics are left out: they are taken by time and belong to no kernel; "
            "Nsight Systems shows them"
        )
    severe = f"severity = {_ERROR_SEVERITY}"
    if database.has("DIAGNOSTIC_EVENT", "severity", "text"):
        messages = list(dict.fromkeys(database.texts("DIAGNOSTIC_EVENT", "text", "", severe)))
        losses += [f"Nsight Systems reports: {' '.join(text.split())}" for text in messages[:_MESSAGES_SHOWN]]
    return losses


def _shared_streams(activities: DeviceActivities) -> list[str]:
    """Name devices on which several processes worked: their streams have the same numbers."""
    owners: dict[int, set[int]] = {}
    for device, correlation in zip(activities.device.tolist(), activities.correlation.tolist(), strict=True):
        if correlation >= 0:
            owners.setdefault(device, set()).add(correlation >> 32)
    return [
        f"{len(each)} processes worked on device {device}; their streams of one number count as one here"
        for device, each in sorted(owners.items())
        if len(each) > 1
    ]
