"""The report of traces recorded elsewhere, from their tables alone: what each is, if it can be trusted, its work."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

import pandas as pd

from profiler.report.convolutions import convolution_lines
from profiler.report.escape import code, plain, visible
from profiler.report.markdown_table import markdown_table
from profiler.report.templating import environment
from profiler.report.view import value_of
from profiler.tables.device_words import ALL_STREAMS
from profiler.tables.foreign import (
    TRACE_FINDINGS,
    TRACE_KERNELS,
    TRACE_LAUNCHES,
    TRACE_MEMORY,
    TRACE_QUEUE_DEPTH,
    TRACE_STATES,
    TRACES,
)
from profiler.tables.host_ranges import OS_CALLS, RANGES
from profiler.trace.device_states import BUSY, EXPOSED_LAUNCH, MEANINGS, STATES, State
from profiler.units import UNKNOWN, count, percent, seconds, significant, size

__all__ = ["STATES_PLOT", "foreign_markdown", "foreign_object", "verdict_of"]

STATES_PLOT = "states.svg"

_KERNEL_HEADER = (
    "launches", "time", "share", "median", "grid", "block", "registers", "shared bytes", "traffic of one", "rate",
    "kernel",
)  # fmt: skip
Frames = Mapping[str, pd.DataFrame]
_SHOWN_KERNELS = 25
_SHOWN_OS_CALLS = 10
_LONGEST_KERNEL_NAME = 120
_WORTH_NAMING = 0.01  # of what was recorded


def foreign_markdown(frames: Frames, command: str, *, has_plot: bool) -> str:
    """Write the report of some traces, a section each."""
    names = [str(name) for name in frames[TRACES.name]["trace"]]
    return environment(escaping=False).get_template("trace.md.j2").render(
        title=f"Trace{'s' if len(names) > 1 else ''} {', '.join(map(code, names))}",
        verdicts=[f"{code(name)}: {verdict_of(frames, name)}" if len(names) > 1 else verdict_of(frames, name)
                  for name in names],
        plot=STATES_PLOT if has_plot else "",
        traces=[_section(frames, name) for name in names],
        meanings=[f"`{state}`: {MEANINGS[state]}" for state in STATES],
        tables=", ".join(sorted(frames)),
        command=code(command),
    )  # fmt: skip


def verdict_of(frames: Frames, name: str) -> str:
    """Say in one line how busy a trace's devices were, and what it lost to launches; safe Markdown."""
    row = _row(frames, name)
    unsound = "" if row["sound"] else " Not all of this trace is sound or could be read, see below."
    states = _whole_devices(frames, name)
    if states.empty:
        return f"{_without_device(row)}.{unsound}"
    told = []
    for device, rows in states.groupby("device_number", sort=False):
        shares = rows.set_index("state")["share"].fillna(0.0)
        busy, exposed = float(shares[list(BUSY)].sum()), float(shares[list(EXPOSED_LAUNCH)].sum())
        idle = shares.drop(list(BUSY))
        longest = str(idle.idxmax())
        told.append(
            f"device {device} was busy for {_share(busy)} of {seconds(float(rows['seconds'].sum()))} and waited "
            f"{_share(exposed)} of it for launches that nothing hid; the largest part of its pauses was `{longest}` "
            f"({_share(float(idle.max()))}): {MEANINGS[cast(State, longest)]}"
        )
    return f"{'; '.join(told)}.{_one_call(frames, name)}{unsound}"


def _without_device(row: pd.Series) -> str:
    """Say what a trace holds in which no device has a time."""
    if row["launches"] > 0:
        counted = f"; hardware counters of {_many(row['counted_ranges'], 'range')} are" if row["counted_ranges"] else ""
        launches = f"{_many(row['launches'], 'launch', 'launches')} {'is' if row['launches'] == 1 else 'are'}"
        return f"no device's time is recorded here, though {launches}: what ran cannot be timed{counted}"
    return (
        "nothing ran on a device here, as far as the trace tells: of the host it holds "
        f"{_many(row['operators'], 'operator')}, and how a device waits is what is explained here"
    )


def _one_call(frames: Frames, name: str) -> str:
    """Name the call that alone makes up most of what launches cost; '' where none does or where it is little."""
    launches = _rows(frames, TRACE_LAUNCHES.name, name).dropna(subset=["exposed_longest_s"])
    if launches.empty:
        return ""
    row = launches.iloc[int(launches["exposed_longest_s"].to_numpy().argmax())]
    longest, whole = float(row["exposed_longest_s"]), float(launches["exposed_s"].sum())
    if longest < max(whole / 2, _WORTH_NAMING * float(_row(frames, name)["window_s"])):
        return ""
    return (
        f" One call of {code(str(row['call']))}, {seconds(longest)}, is {percent(longest / whole)} of what launches "
        "were exposed; a first launch may take so long, since it loads code."
    )


def foreign_object(frames: Frames, path: str) -> dict[str, Any]:
    """Give what the traces hold as plain values; what is not known is None."""
    return {
        "report": path,
        "traces": [
            _plain(row)
            | {
                "tables": {
                    table.name: [_plain(each) for _, each in _rows(frames, table.name, str(row["trace"])).iterrows()]
                    for table in (
                        TRACE_FINDINGS,
                        TRACE_STATES,
                        TRACE_KERNELS,
                        TRACE_LAUNCHES,
                        TRACE_QUEUE_DEPTH,
                        TRACE_MEMORY,
                        RANGES,
                        OS_CALLS,
                    )
                }
            }
            for _, row in frames[TRACES.name].iterrows()
        ],
    }


def _plain(row: pd.Series) -> dict[str, Any]:
    return {str(name): None if pd.isna(value) else _native(value) for name, value in row.items()}


def _native(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def _section(frames: Frames, name: str) -> dict[str, Any]:
    row = _row(frames, name)
    return {
        "heading": code(name),
        "facts": _facts(row, _whole_devices(frames, name)) + _opencl(_rows(frames, TRACE_LAUNCHES.name, name)),
        "findings": [
            f"`{each['check']}`: {plain(str(each['finding']))}"
            for _, each in _rows(frames, TRACE_FINDINGS.name, name).iterrows()
        ],
        "states": _states(frames, name),
        "launches": _launches(frames, name),
        "depths": _depths(frames, name),
        "kernels": _kernels(frames, name),
        "timed": bool(_rows(frames, TRACE_KERNELS.name, name)["device_s"].notna().any()),
        "more_kernels": _more(frames, TRACE_KERNELS.name, name, _SHOWN_KERNELS),
        "convolutions": convolution_lines(_rows(frames, TRACE_KERNELS.name, name)),
        "memory": _memory(frames, name),
        "ranges": _ranges(frames, name),
        "more_ranges": _more(frames, RANGES.name, name, _SHOWN_KERNELS),
        "os_calls": _os_calls(frames, name),
        "more_os_calls": _more(frames, OS_CALLS.name, name, _SHOWN_OS_CALLS),
        "unknown": _unknown(frames, name),
    }


def _more(frames: Frames, table: str, name: str, shown: int) -> str:
    """Say how many rows of a table the report leaves out; '' for none."""
    left = len(_rows(frames, table, name)) - shown
    return f"{_many(left, 'more row')} {'is' if left == 1 else 'are'} in `tables/{table}.csv`." if left > 0 else ""


def _facts(row: pd.Series, devices: pd.DataFrame) -> list[str]:
    return [
        f"recorded by {plain(str(row['source']))}",
        *(f"device {number}: {plain(str(name))}" for number, name in _named_devices(devices)),
        f"{seconds(float(row['window_s']))} from the first to the last event, clock step "
        f"{seconds(float(row['resolution_s']))}",
        f"{_many(row['devices'], 'device')} with work: {_many(row['kernels'], 'kernel')}, "
        f"{_whole_graphs(row)}{_many(row['copies'], 'copy', 'copies')}, {_many(row['sets'], 'set')}",
        f"{_many(row['launches'], 'launch', 'launches')} of kernels and graphs among "
        f"{_many(row['runtime_calls'], 'call')} of the device's runtime; {_many(row['operators'], 'operator')}",
    ]


def _whole_graphs(row: pd.Series) -> str:
    return f"{_many(row['graphs'], 'graph')} (as a whole: their kernels were not recorded), " if row["graphs"] else ""


def _opencl(launches: pd.DataFrame) -> list[str]:
    """Say what OpenCL's launches are no evidence of; nothing where there are none."""
    if not launches["call"].str.startswith("clEnqueue").any():
        return []
    return [
        "its launches are OpenCL's: where the device is a processor, as PoCL's is, they are real, and none of it is "
        "evidence about a GPU"
    ]


def _named_devices(states: pd.DataFrame) -> list[tuple[object, str]]:
    named = states[["device_number", "device_name"]].drop_duplicates()
    return [(number, str(name)) for number, name in named.itertuples(index=False) if pd.notna(name) and name]


def _many(number: float, one: str, several: str = "") -> str:
    return f"{count(number)} {one if number == 1 else several or f'{one}s'}"


def _share(value: float) -> str:
    """Write a share; what is there but would round to nothing is not 0."""
    return "< 0.1 %" if 0 < value < 0.0005 else percent(value)


def _states(frames: Frames, name: str) -> str:
    states = _rows(frames, TRACE_STATES.name, name)
    if states.empty:
        return ""
    queues = list(states.groupby(["device_number", "stream"], sort=False))
    header = ["state", *(_queue_words(device, stream) for (device, stream), _ in queues)]
    shown = [state for state in STATES if states[states["state"] == state]["seconds"].gt(0).any()]
    cells = {
        state: [_spent(rows[rows["state"] == state].iloc[0]) for _, rows in queues]
        for state in shown
    }  # fmt: skip
    return markdown_table(header, [[f"`{state}`", *cells[state]] for state in shown], "l" + "r" * len(queues))


def _spent(row: pd.Series) -> str:
    return f"{_share(float(row['share']))}, {seconds(float(row['seconds']))}" if row["seconds"] > 0 else UNKNOWN


def _queue_words(device: object, stream: object) -> str:
    return f"device {device}" if stream == ALL_STREAMS else f"stream {visible(str(stream))} of {device}"


def _launches(frames: Frames, name: str) -> str:
    rows = _rows(frames, TRACE_LAUNCHES.name, name)
    return _table(
        rows,
        ("call", "calls", "with work", "in the call", "until it starts", "exposed in all", "longest exposed"),
        "lrrrrrr",
        lambda row: (
            code(str(row["call"])),
            count(row["calls"]),
            count(row["joined"]),
            *_durations(row, "call_median_s", "delay_median_s", "exposed_s", "exposed_longest_s"),
        ),
    )


def _depths(frames: Frames, name: str) -> str:
    rows = _rows(frames, TRACE_QUEUE_DEPTH.name, name)
    return _table(
        rows,
        (
            "device",
            "waiting",
            "launches",
            "hidden",
            "in the call",
            "until it starts",
            "exposed in all",
            "longest exposed",
        ),
        "rlrrrrrr",
        lambda row: (
            count(row["device_number"]) if pd.notna(row["device_number"]) else UNKNOWN,
            str(row["depth"]),
            count(row["launches"]),
            count(row["hidden"]),
            *_durations(row, "call_median_s", "delay_median_s", "exposed_s", "exposed_longest_s"),
        ),
    )


def _kernels(frames: Frames, name: str) -> str:
    every = _rows(frames, TRACE_KERNELS.name, name)
    # A kernel has a row a stream: with one stream there is nothing to tell apart.
    several = len(every[["device_number", "stream"]].drop_duplicates()) > 1
    return _table(
        every.head(_SHOWN_KERNELS),
        (*(("queue",) if several else ()), *_KERNEL_HEADER),
        "r" * (len(_KERNEL_HEADER) - 1 + several) + "l",
        lambda row: (
            *((_queue_words(row["device_number"], row["stream"]),) if several else ()),
            count(float(row["launches"])),
            *_durations(row, "device_s"),
            _share(value_of(row["share"])),
            *_durations(row, "median_s"),
            *(visible(str(row[column])) if pd.notna(row[column]) else UNKNOWN for column in ("grid", "block")),
            *(count(row[column]) if pd.notna(row[column]) else UNKNOWN for column in ("registers", "shared_bytes")),
            _amount(row),
            _rates(row),
            code(visible(str(row["kernel"]), _LONGEST_KERNEL_NAME)),
        ),
    )


def _amount(row: pd.Series) -> str:
    moved = value_of(row["bytes"])
    if not math.isfinite(moved):
        return UNKNOWN
    return size(moved) if row["bytes_basis"] == "measured" else f"≥ {size(moved)}"


def _rates(row: pd.Series) -> str:
    found = []
    traffic, work = value_of(row["bytes_per_s"]), value_of(row["flops_per_s"])
    if math.isfinite(traffic):
        found.append(f"{'≥ ' if row['bytes_basis'] == 'modelled' else ''}{size(traffic)}/s")
    if math.isfinite(work):
        found.append(f"{significant(work / 1e9)} GFLOP/s")
    elif math.isfinite(value_of(row["flops"])):
        found.append(f"{significant(value_of(row['flops']) / 1e9)} GFLOP")
    return ", ".join(found) or UNKNOWN


def _memory(frames: Frames, name: str) -> str:
    rows = _rows(frames, TRACE_MEMORY.name, name)
    return _table(
        rows,
        ("device", "operation", "how many", "bytes", "time", "rate"),
        "rlrrrr",
        lambda row: (
            count(row["device_number"]) if pd.notna(row["device_number"]) else UNKNOWN,
            str(row["operation"]),
            count(row["operations"]),
            size(value_of(row["bytes"])),
            *_durations(row, "seconds"),
            f"{size(rate)}/s" if math.isfinite(rate := value_of(row["bytes_per_s"])) else UNKNOWN,
        ),
    )


def _ranges(frames: Frames, name: str) -> str:
    rows = _rows(frames, RANGES.name, name).head(_SHOWN_KERNELS)
    return _table(
        rows,
        ("ranges", "depth", "on the host", "launched", "on the device", "domain", "range"),
        "rrrrrll",
        lambda row: (
            count(row["ranges"]),
            count(row["depth"]),
            *_durations(row, "host_s"),
            count(row["activities"]),
            *_durations(row, "device_s"),
            code(str(row["domain"])) if row["domain"] else "",
            code(str(row["range"])),
        ),
    )


def _os_calls(frames: Frames, name: str) -> str:
    rows = _rows(frames, OS_CALLS.name, name).head(_SHOWN_OS_CALLS)
    return _table(
        rows,
        ("call", "calls", "in all", "median", "longest"),
        "lrrrr",
        lambda row: (
            code(str(row["call"])),
            count(row["calls"]),
            *_durations(row, "seconds", "median_s", "longest_s"),
        ),
    )


def _unknown(frames: Frames, name: str) -> list[str]:
    """Say what this trace cannot tell of the kernels in it."""
    kernels = _rows(frames, TRACE_KERNELS.name, name)
    if kernels.empty:
        return []
    lines = ["the device's limits: a trace holds none, so no rate is set against one"]
    whole = kernels["device_s"].sum()
    for column, words in (("bytes", "memory traffic"), ("flops", "floating-point operations")):
        dark = kernels[kernels[column].isna()]
        share = f", {_share(dark['device_s'].sum() / whole)} of the kernels' time" if whole > 0 else ""
        if len(dark):
            lines.append(
                f"{words} of {_of_rows(len(dark), len(kernels))}{share}: no counters, and no shapes of an operator "
                "that launched that kernel alone"
            )
    for column, words in (("registers", "registers"), ("grid", "grid")):
        if absent := int(kernels[column].isna().sum()):
            lines.append(f"{words} of {_of_rows(absent, len(kernels))}")
    if outside := int((kernels["operator"] == "").sum()):
        lines.append(f"the operator around {_of_rows(outside, len(kernels))}")
    return lines


def _of_rows(some: int, every: int) -> str:
    return f"{count(some)} of {_many(every, 'row')} of kernels"


def _table(rows: pd.DataFrame, header: tuple[str, ...], alignment: str, cells: Any) -> str:
    return "" if rows.empty else markdown_table(header, [cells(row) for _, row in rows.iterrows()], alignment)


def _durations(row: pd.Series, *columns: str) -> list[str]:
    return [seconds(value_of(row[column])) for column in columns]


def _row(frames: Frames, name: str) -> pd.Series:
    return _rows(frames, TRACES.name, name).iloc[0]


def _rows(frames: Frames, table: str, name: str) -> pd.DataFrame:
    frame = frames[table]
    return frame[frame["trace"] == name]


def _whole_devices(frames: Frames, name: str) -> pd.DataFrame:
    states = _rows(frames, TRACE_STATES.name, name)
    return states[states["stream"] == ALL_STREAMS]
