"""The tables of traces recorded elsewhere: what ran, what launched it, and what the devices did meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from profiler.tables.device_words import KERNEL_COLUMNS, kernel_cells, known, stream_words
from profiler.tables.host_ranges import OS_CALLS, RANGES, os_call_rows, range_rows
from profiler.tables.schema import Table, count, flag, number, text
from profiler.trace.device_events import COPY_DIRECTIONS
from profiler.trace.device_states import STATES, state_times
from profiler.trace.integrity import Finding
from profiler.trace.kernels import kernel_groups
from profiler.trace.launch_join import Linked
from profiler.trace.runtime_calls import LAUNCHING, runtime_work

__all__ = [
    "BUILDERS",
    "TRACES",
    "TRACE_FINDINGS",
    "TRACE_KERNELS",
    "TRACE_LAUNCHES",
    "TRACE_MEMORY",
    "TRACE_QUEUE_DEPTH",
    "TRACE_STATES",
    "ForeignTrace",
    "build_foreign",
]

_NANO = 1e-9
_TRACE = text("trace", "the file's name, without what tells its kind")
_DEVICE = count("device_number", "number of the device")

TRACES = Table(
    "traces",
    "one trace",
    (
        _TRACE,
        text("source", "what recorded it, as far as it says"),
        flag("sound", "no check found anything; see the table findings"),
        number("window_s", "seconds from the first to the last thing recorded on host or devices", "s"),
        number("resolution_s", "step of its clock", "s"),
        count("devices", "devices with work"),
        count("kernels", "kernels"),
        count("graphs", "graphs of which only the whole was recorded, not their kernels"),
        count("copies", "device copies"),
        count("sets", "device sets"),
        count("launches", "calls that launch a kernel or a graph"),
        count("runtime_calls", "calls of the device's runtime and driver"),
        count("operators", "operators"),
        count("counted_ranges", "ranges with hardware counters"),
    ),
)
TRACE_FINDINGS = Table(
    "findings",
    "one thing that is unsound in a trace",
    (_TRACE, text("check", "name of the check"), text("finding", "what it found")),
)
TRACE_KERNELS = Table(
    "kernels",
    "one kernel of a trace, in one stream, with one grid, block and use of resources",
    (_TRACE, *KERNEL_COLUMNS),
)
TRACE_LAUNCHES = Table(
    "launches",
    "one call by which a trace's host puts work into a device's queue",
    (
        _TRACE,
        text("call", "name of the call"),
        text("work", "kernel_launches, graph_launches, memcpys or memsets"),
        count("calls", "how often it was called"),
        count("joined", "of these, calls whose work is in the trace"),
        number("call_median_s", "median seconds in the call", "s"),
        number("delay_median_s", "median seconds from the call to the start of its work", "s"),
        number("exposed_s", "seconds in all that the device had nothing to run for it, its call not yet over", "s"),
        number("exposed_longest_s", "of these, the most that one call took", "s"),
    ),
)
TRACE_QUEUE_DEPTH = Table(
    "queue_depth",
    "launches of one device into queues of about one length",
    (
        _TRACE,
        _DEVICE,
        text("depth", "launches waiting in the stream when one more is made"),
        count("launches", "launches made then, kernels, graphs, copies and sets"),
        count("hidden", "of these, launches that did not keep the device waiting"),
        number("call_median_s", "median seconds in the call", "s"),
        number("delay_median_s", "median seconds from the call to the start of its work: latency, then queueing", "s"),
        number("exposed_s", "seconds in all that the device had nothing to run for them", "s"),
        number("exposed_longest_s", "of these, the most that one launch took", "s"),
    ),
)
TRACE_MEMORY = Table(
    "memory",
    "copies or sets of one kind on one device",
    (
        _TRACE,
        _DEVICE,
        text("operation", "copy and its direction (h: host, d: device), or set"),
        count("operations", "how many"),
        number("bytes", "bytes of them all, as the recorder gives them; NaN where it does not for each", "bytes"),
        text("bytes_basis", "measured, or unknown"),
        number("seconds", "seconds of them all, by the device's own clock", "s"),
        number("bytes_per_s", "bytes over seconds", "bytes/s"),
    ),
)
TRACE_STATES = Table(
    "device_states",
    "one state of one device, or of one of its streams, over a whole trace",
    (
        _TRACE,
        _DEVICE,
        text("device_name", "name of the device, as recorded"),
        text("stream", "one stream, or all: busy is then what any of them is"),
        text("state", "what it runs, or what the host does while it is idle; the states sum to the trace's window"),
        number("seconds", "seconds in it", "s"),
        number("share", "of the trace's window"),
    ),
)

# Lengths of queues that are told apart: 0, 1, and then each twice the one before.
_DEPTHS = (0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


@dataclass(frozen=True)
class ForeignTrace:
    """Hold one trace, its name, its joins, and what is unsound in it."""

    name: str
    linked: Linked
    findings: tuple[Finding, ...]


def build_foreign(traces: Sequence[ForeignTrace]) -> dict[str, pd.DataFrame]:
    """Make every table, by its name."""
    return {
        table.name: table.frame({"trace": trace.name, **row} for trace in traces for row in rows(trace))
        for table, rows in BUILDERS
    }


def _overview(trace: ForeignTrace) -> Iterator[dict[str, Any]]:
    recorded = trace.linked.trace
    activities = recorded.activities
    start, end = recorded.window
    yield {
        "source": recorded.source,
        "sound": not trace.findings,
        "window_s": (end - start) * _NANO,
        "resolution_s": recorded.resolution_ns * _NANO,
        "devices": len(np.unique(activities.device)),
        "kernels": int(activities.of_kind("kernel").sum()),
        "graphs": int(activities.of_kind("graph").sum()),
        "copies": int(activities.of_kind("memcpy").sum()),
        "sets": int(activities.of_kind("memset").sum()),
        "launches": int(trace.linked.calls_doing("kernel_launches", "graph_launches").sum()),
        "runtime_calls": len(recorded.host_calls),
        "operators": len(recorded.operators),
        "counted_ranges": len(recorded.counters),
    }


def _findings(trace: ForeignTrace) -> Iterator[dict[str, Any]]:
    for finding in trace.findings:
        yield {"check": finding.check, "finding": finding.text}


def _kernels(trace: ForeignTrace) -> Iterator[dict[str, Any]]:
    yield from kernel_cells(kernel_groups(trace.linked))


def _launches(trace: ForeignTrace) -> Iterator[dict[str, Any]]:
    calls, launches = trace.linked.trace.host_calls, trace.linked.launches
    codes = calls.name_codes[launches.call]
    found = []
    for code in np.unique(codes).tolist():
        chosen = codes == code
        work = runtime_work(calls.names[code])
        found.append({"call": calls.names[code], "work": work, "calls": int(chosen.sum())} | _costs(trace, chosen))
    return iter(sorted(found, key=lambda row: (LAUNCHING.index(row["work"]), -row["calls"], row["call"])))


def _queue_depth(trace: ForeignTrace) -> Iterator[dict[str, Any]]:
    launches = trace.linked.launches
    for device in np.unique(launches.device[launches.joined]).tolist():
        here = launches.joined & (launches.device == device)
        place = np.searchsorted(_DEPTHS, launches.queue_depth, side="right") - 1
        for depth in np.unique(place[here]).tolist():
            chosen = here & (place == depth)
            costs = _costs(trace, chosen)
            yield {
                "device_number": known(device),
                "depth": _depth_words(depth),
                "launches": costs.pop("joined"),
                "hidden": int(np.sum(launches.exposed_ns[chosen] == 0)),
                **costs,
            }


def _costs(trace: ForeignTrace, chosen: NDArray[np.bool_]) -> dict[str, Any]:
    launches = trace.linked.launches
    joined = chosen & launches.joined
    return {
        "joined": int(joined.sum()),
        "call_median_s": float(np.median((launches.end_ns - launches.start_ns)[chosen])) * _NANO,
        "delay_median_s": float(np.median(launches.delay_ns[joined])) * _NANO if joined.any() else np.nan,
        "exposed_s": float(launches.exposed_ns[joined].sum()) * _NANO if joined.any() else np.nan,
        "exposed_longest_s": float(launches.exposed_ns[joined].max()) * _NANO if joined.any() else np.nan,
    }


def _depth_words(place: int) -> str:
    low = _DEPTHS[place]
    if place + 1 == len(_DEPTHS):
        return f"{low} and more"
    high = _DEPTHS[place + 1] - 1
    return str(low) if low == high else f"{low} to {high}"


def _memory(trace: ForeignTrace) -> Iterator[dict[str, Any]]:
    activities = trace.linked.trace.activities
    for device in np.unique(activities.device).tolist():
        here = activities.device == device
        copies = here & activities.of_kind("memcpy")
        kinds = [(f"copy {words}", copies & (activities.direction_codes == code)) for code, words in _directions()]
        for operation, chosen in [*kinds, ("set", here & activities.of_kind("memset"))]:
            if not chosen.any():
                continue
            moved, spent = activities.bytes[chosen], float(activities.duration_ns[chosen].sum()) * _NANO
            total = float(moved.sum()) if (moved >= 0).all() else np.nan
            yield {
                "device_number": known(device),
                "operation": operation,
                "operations": int(chosen.sum()),
                "bytes": total,
                "bytes_basis": "measured" if np.isfinite(total) else "unknown",
                "seconds": spent,
                "bytes_per_s": total / spent if spent else np.nan,
            }


def _directions() -> Iterator[tuple[int, str]]:
    return enumerate(COPY_DIRECTIONS)


def _states(trace: ForeignTrace) -> Iterator[dict[str, Any]]:
    recorded = trace.linked.trace
    for times in state_times(trace.linked, [recorded.window]):
        whole = float(times.nanoseconds.sum())
        for place, state in enumerate(STATES):
            spent = float(times.nanoseconds[0, place])
            yield {
                "device_number": known(times.queue.device),
                "device_name": recorded.device_of(times.queue.device).name,
                "stream": stream_words(times.queue),
                "state": state,
                "seconds": spent * _NANO,
                "share": spent / whole if whole else np.nan,
            }


BUILDERS: tuple[tuple[Table, Callable[[ForeignTrace], Iterator[Mapping[str, Any]]]], ...] = (
    (TRACES, _overview),
    (TRACE_FINDINGS, _findings),
    (TRACE_STATES, _states),
    (TRACE_KERNELS, _kernels),
    (TRACE_LAUNCHES, _launches),
    (TRACE_QUEUE_DEPTH, _queue_depth),
    (TRACE_MEMORY, _memory),
    (RANGES, lambda trace: range_rows(trace.linked)),
    (OS_CALLS, lambda trace: os_call_rows(trace.linked)),
)
