"""Reads what Kineto's and Chrome's trace files say of devices, for any torch from 1.8 on, CUDA, ROCm and OpenCL.

Kernels are joined to their calls by `correlation` alone: `External id` meant the operator in 2021 and from 2024 on, and
`correlation` in between, so it is never read.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from profiler.labels import read_label
from profiler.trace.device_events import (
    COPY_DIRECTIONS,
    KINDS,
    UNKNOWN,
    ActivityKind,
    Counters,
    Device,
    DeviceActivities,
    DeviceTrace,
    HostCalls,
    HostRanges,
    HostSpans,
    Operators,
)
from profiler.trace.event_stream import EventStream
from profiler.trace.joining import positions_of
from profiler.trace.kineto import LEGACY_CATEGORIES
from profiler.trace.operator_models import flops, input_bytes
from profiler.trace.runtime_calls import RUNTIME_CATEGORIES, counts_threads
from profiler.trace.values import LARGEST, Scalar, nanoseconds, numbers, text

__all__ = ["DEVICE_CATEGORIES", "read_kineto"]

_Integers = NDArray[np.int64]
_Codes = NDArray[np.int32]
_Floats = NDArray[np.float64]
Arguments = TypeVar("Arguments", bound=msgspec.Struct)

_ACTIVITIES: Mapping[str, ActivityKind] = {"kernel": "kernel", "gpu_memcpy": "memcpy", "gpu_memset": "memset"}
DEVICE_CATEGORIES = tuple(_ACTIVITIES)
_RANGES = "user_annotation"
_OPERATORS = "cpu_op"
_PYTHON = "python_function"
_OVERHEAD = "overhead"
_NOTHING = ""
_COUNTERS = "cuda_profiler_range"
# Rows of the recorder itself, under whatever category they stand: libkineto's overhead kinds, torch's own.
_RECORDERS_OWN = re.compile(
    r"(Activity Buffer Request|Command Buffer Full|Buffer Flush|Instrumentation|Resource|Driver Compiler"
    r"|Runtime Triggered Module Loading|Lazy Function Loading|Unknown overhead type|CUPTI.*)$"
    r"|profiler::_"
)
# Spans of the recorder that last as long as what they record: taken for its work they would explain away every pause.
_RECORDERS_SPANS = re.compile(r"PyTorch Profiler|ProfilerStep[*#]|Iteration Start: ")
# Beyond this many microseconds (some quarter of an hour) a trace counts from an epoch, and a timestamp of 0 is damage.
_EPOCH_US = 1e9
# Times beyond these are damage, and their differences would not fit into 64 bits of nanoseconds.
_LATEST_US, _LONGEST_US = 2.0**52, 2.0**50
# How the names of copies begin, as CUPTI's and roctracer's parts of libkineto write them.
_DIRECTIONS = {
    "HtoD": "h2d", "DtoH": "d2h", "DtoD": "d2d", "HtoH": "h2h", "PtoP": "peer",
    "HostToDevice": "h2d", "DeviceToHost": "d2h", "DeviceToDevice": "d2d", "HostToHost": "h2h",
}  # fmt: skip


class _Event(msgspec.Struct, gc=False):
    phase: str = msgspec.field(name="ph", default="")
    category: str | None = msgspec.field(name="cat", default=None)
    name: Scalar = ""
    process: Scalar = msgspec.field(name="pid", default="")
    thread: Scalar = msgspec.field(name="tid", default="")
    start: Scalar = msgspec.field(name="ts", default=None)
    duration: Scalar = msgspec.field(name="dur", default=None)
    arguments: msgspec.Raw = msgspec.field(name="args", default_factory=msgspec.Raw)


class _OperatorArguments(msgspec.Struct, gc=False):
    shapes: Any = msgspec.field(name="Input Dims", default=None)
    types: Any = msgspec.field(name="Input type", default=None)
    strides: Any = msgspec.field(name="Input Strides", default=None)
    values: Any = msgspec.field(name="Concrete Inputs", default=None)


class _CallArguments(msgspec.Struct, gc=False):
    correlation: Any = None
    grid: Any = None
    block: Any = None
    shared: Any = msgspec.field(name="shared memory", default=None)
    bytes: Any = None
    size: Any = None


class _ActivityArguments(msgspec.Struct, gc=False):
    correlation: Any = None
    device: Any = None
    stream: Any = None
    grid: Any = None
    block: Any = None
    registers: Any = msgspec.field(name="registers per thread", default=None)
    shared: Any = msgspec.field(name="shared memory", default=None)
    occupancy: Any = msgspec.field(name="est. achieved occupancy %", default=None)
    bytes: Any = None
    kind: Any = None
    graph: Any = msgspec.field(name="graph id", default=None)


_DECODERS: Mapping[type[msgspec.Struct], msgspec.json.Decoder[Any]] = {
    kind: msgspec.json.Decoder(kind) for kind in (_OperatorArguments, _CallArguments, _ActivityArguments)
}
_COUNTER_DECODER = msgspec.json.Decoder(dict[str, Scalar])


def read_kineto(path: Path) -> DeviceTrace:
    """Read a `.json` or `.json.gz` trace; raises TraceError where nothing of it can be read."""
    stream = EventStream(path, _Event)
    columns = _Columns()
    for batch in stream.batches():
        columns.take(batch)
    losses = [stream.damage] if stream.damage else []
    return columns.trace(stream.properties, losses)


class _Codes32:
    """Number distinct values as they come."""

    def __init__(self) -> None:
        self.places: dict[Any, int] = {}

    def codes(self, values: Iterable[Any]) -> _Codes:
        places = self.places
        return np.fromiter((places.setdefault(value, len(places)) for value in values), dtype=np.int32)


class _Columns:
    """Gather columns batch by batch; of a batch nothing else is kept."""

    def __init__(self) -> None:
        self._names, self._threads = _Codes32(), _Codes32()
        self._parts: defaultdict[str, list[Mapping[str, NDArray[Any]]]] = defaultdict(list)
        self._origin_us: float | None = None
        self._whole_us = True
        self._untimed = 0
        self._posing: Counter[str] = Counter()
        self._spanning: Counter[str] = Counter()
        self._counter_rows: list[tuple[str, int, dict[str, float]]] = []

    def take(self, batch: Sequence[_Event]) -> None:
        groups: defaultdict[str, list[_Event]] = defaultdict(list)
        for event in batch:
            if event.phase == "X" and event.category:
                groups[self._category(event, event.category)].append(event)
        for category, events in groups.items():
            if category == _COUNTERS:
                self._take_counters(events)
                continue
            kept, columns = self._spans(events)
            if category in _ACTIVITIES:
                self._parts["activities"].append(columns | self._activities(category, kept))
            elif category in RUNTIME_CATEGORIES:
                self._parts["calls"].append(columns | _calls(kept))
            elif category == _OPERATORS:
                self._parts[category].append(columns | _operators(kept))
            elif category in (_RANGES, _PYTHON, _OVERHEAD):
                self._parts[category].append(columns)

    def _category(self, event: _Event, recorded: str) -> str:
        """Give an event's category in today's names; a recorder's row that poses as work goes to its overhead."""
        category = LEGACY_CATEGORIES.get(recorded, recorded)
        name = event.name if isinstance(event.name, str) else ""
        if category == _OPERATORS and (read_label(name) is not None or _RECORDERS_SPANS.match(name)):
            return _RANGES  # torch before 2.0 records a marked range as an operator
        if category in _ACTIVITIES and _RECORDERS_SPANS.match(name):
            self._spanning[category] += 1
            return _NOTHING
        if category in (*_ACTIVITIES, _OPERATORS) and _RECORDERS_OWN.match(name):
            self._posing[category] += category != _OPERATORS  # torch's own marks are always among its operators
            return _OVERHEAD
        return category

    def _spans(self, events: list[_Event]) -> tuple[list[_Event], dict[str, NDArray[Any]]]:
        """Give the events that have a time, and the columns that all have."""
        start, duration = numbers(each.start for each in events), numbers(each.duration for each in events)
        timed = (start >= 0) & (start < _LATEST_US) & (np.abs(duration) < _LONGEST_US)  # NaN is none of these
        if not timed.all():
            self._untimed += int(np.sum(~timed))
            events = [event for event, known in zip(events, timed, strict=True) if known]
            start, duration = start[timed], duration[timed]
        if self._origin_us is None and np.any(start > 0):
            self._origin_us = math.floor(start[start > 0].min())
        if len(start) and self._whole_us:
            self._whole_us = bool(np.all(start == np.floor(start)))
        # Subtracting first keeps the last digit: months since an epoch, times 1000, do not fit into a float64.
        start_ns = nanoseconds(start - (self._origin_us or 0))
        return events, {
            "name_codes": self._names.codes(text(each.name) for each in events),
            "thread_codes": self._threads.codes((text(each.process), text(each.thread)) for each in events),
            "start_ns": start_ns,
            "end_ns": start_ns + nanoseconds(duration),
        }

    def _activities(self, category: str, events: list[_Event]) -> dict[str, NDArray[Any]]:
        found = list(_arguments(events, _ActivityArguments))
        kind = KINDS.index(_ACTIVITIES[category])
        copies = category == "gpu_memcpy"
        return {
            "kind_codes": np.full(len(events), kind, dtype=np.int32),
            "device": _whole(
                each.device if each.device is not None else event.process
                for each, event in zip(found, events, strict=True)
            ),
            "stream": _whole(
                each.stream if each.stream is not None else event.thread
                for each, event in zip(found, events, strict=True)
            ),
            "correlation": _whole(each.correlation for each in found),
            "grid": _triples(each.grid for each in found),
            "block": _triples(each.block for each in found),
            "registers": _whole(each.registers for each in found),
            "shared": _whole(each.shared for each in found),
            "occupancy": numbers(each.occupancy for each in found) / 100,
            "bytes": _whole(each.bytes for each in found),
            "graph": _whole(each.graph for each in found),
            "direction_codes": np.fromiter(
                (
                    _direction(text(event.name), each.kind) if copies else UNKNOWN
                    for each, event in zip(found, events, strict=True)
                ),
                dtype=np.int32,
            ),
        }

    def _take_counters(self, events: list[_Event]) -> None:
        for event in events:
            try:
                metrics = _COUNTER_DECODER.decode(event.arguments)
            except msgspec.DecodeError:
                continue
            known = {name: float(value) for name, value in metrics.items() if isinstance(value, int | float)}
            device = event.process if type(event.process) is int else UNKNOWN
            self._counter_rows.append((text(event.name), device, known))

    def trace(self, properties: Mapping[str, Any], losses: list[str]) -> DeviceTrace:
        """Put the batches together; times count from the first event's microsecond."""
        parts = {name: _joined(found) for name, found in self._parts.items()}
        losses = [*losses, *self._left_out(parts)]
        starts = [columns["start_ns"] for columns in parts.values() if len(columns["start_ns"])]
        first = min((int(start.min()) for start in starts), default=0)
        for columns in parts.values():
            columns["start_ns"] = columns["start_ns"] - first
            columns["end_ns"] = columns["end_ns"] - first
        names = tuple(self._names.places)
        calls = parts.get("calls", {})
        ranges = _only(parts.get(_RANGES, {}), HostSpans)
        return DeviceTrace(
            source=_source(properties),
            threads=tuple(self._threads.places),
            devices=_devices(properties),
            host_calls=HostCalls(names=names, **_only(calls, HostCalls)),
            activities=_all_activities(names, parts.get("activities", {}), calls),
            ranges=HostRanges(
                names=names,
                domain_codes=np.zeros(len(ranges.get("start_ns", ())), np.int32),
                **_only(ranges, HostSpans),
            ),
            operators=Operators(names=names, **_only(parts.get(_OPERATORS, {}), Operators)),
            python_functions=HostSpans(names=names, **_only(parts.get(_PYTHON, {}), HostSpans)),
            overheads=HostSpans(names=names, **_only(parts.get(_OVERHEAD, {}), HostSpans)),
            counters=_counters(self._counter_rows),
            resolution_ns=1000 if self._whole_us else 1,
            losses=tuple(losses),
        )

    def _left_out(self, parts: dict[str, dict[str, NDArray[Any]]]) -> Iterator[str]:
        """Take out what has no possible time, and say what was left out or taken for something else."""
        if self._untimed:
            yield f"{self._untimed} events have no timestamp or no duration and were left out"
        origin_us = self._origin_us or 0
        zero = 0
        for name, columns in parts.items():
            absent = columns["start_ns"] <= -origin_us * 1000
            if origin_us > _EPOCH_US and absent.any():
                zero += int(absent.sum())
                parts[name] = {key: column[~absent] for key, column in columns.items()}
        if zero:
            yield f"{zero} events have a timestamp of 0 or less and were left out"
        for category, count in (+self._posing).items():
            yield f"{count} rows of the recorder itself stood among category {category} and were taken as its overhead"
        for category, count in self._spanning.items():
            yield f"{count} spans of the recorder itself stood among category {category} and were left out"


def _arguments(events: Iterable[_Event], kind: type[Arguments]) -> Iterator[Arguments]:
    decoder, nothing = _DECODERS[kind], kind()
    for event in events:
        try:
            yield decoder.decode(event.arguments) if bytes(event.arguments) else nothing
        except msgspec.DecodeError:
            yield nothing


def _calls(events: list[_Event]) -> dict[str, NDArray[Any]]:
    found = list(_arguments(events, _CallArguments))
    return {
        "correlation": _whole(each.correlation for each in found),
        "grid": _triples(each.grid for each in found),
        "block": _triples(each.block for each in found),
        "shared": _whole(each.shared for each in found),
        "bytes": _whole(each.size if each.size is not None else each.bytes for each in found),
    }


def _operators(events: list[_Event]) -> dict[str, NDArray[Any]]:
    found = list(_arguments(events, _OperatorArguments))
    return {
        "input_bytes": np.array(
            [
                input_bytes(text(event.name), each.shapes, each.types, each.strides)
                for each, event in zip(found, events, strict=True)
            ],
            dtype=np.float64,
        ),
        "flops": np.array(
            [flops(text(event.name), each.shapes, each.values) for each, event in zip(found, events, strict=True)],
            dtype=np.float64,
        ),
    }


def _whole(values: Iterable[Any]) -> _Integers:
    return np.fromiter((_whole_number(value) for value in values), dtype=np.int64)


def _whole_number(value: Any) -> int:
    """Read a whole number out of `7`, `"7"` or `"stream 7"`, -1 where there is none or it is damaged."""
    if type(value) is int:
        return value if abs(value) < LARGEST else UNKNOWN
    last = value.split()[-1:] if isinstance(value, str) else []
    return _whole_number(int(last[0])) if last and last[0].isascii() and last[0].isdigit() else UNKNOWN


def _triples(values: Iterable[Any]) -> _Integers:
    nothing = (UNKNOWN,) * 3
    rows = [
        tuple(value)
        if isinstance(value, list)
        and len(value) == 3
        and all(type(each) is int and abs(each) < LARGEST for each in value)
        else nothing
        for value in values
    ]
    return np.array(rows, dtype=np.int64).reshape(-1, 3)


def _direction(name: str, kind: Any) -> int:
    for place in (name, kind if isinstance(kind, str) else ""):
        found = next((direction for word, direction in _DIRECTIONS.items() if word in place), None)
        if found is not None:
            return COPY_DIRECTIONS.index(found)
    return COPY_DIRECTIONS.index("unknown")


def _joined(found: Sequence[Mapping[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    return {name: np.concatenate([part[name] for part in found]) for name in found[0]}


def _only(columns: Mapping[str, NDArray[Any]], kind: type[HostSpans]) -> dict[str, Any]:
    return {name: column for name, column in columns.items() if name in kind.__dataclass_fields__}


def _all_activities(
    names: tuple[str, ...], columns: Mapping[str, NDArray[Any]], calls: Mapping[str, NDArray[Any]]
) -> DeviceActivities:
    if not columns:
        return DeviceActivities(names=names)
    call = positions_of(columns["correlation"], calls["correlation"] if calls else np.empty(0, np.int64))
    grid, block, shared, moved = (columns[name].copy() for name in ("grid", "block", "shared", "bytes"))
    linked = call >= 0
    if linked.any():
        # roctracer writes sizes and bytes into the row of the call, and not always into that of the activity.
        for column, name in ((grid, "grid"), (block, "block"), (shared, "shared"), (moved, "bytes")):
            absent = linked & (column.reshape(len(column), -1)[:, 0] < 0)
            column[absent] = calls[name][call[absent]]
    return DeviceActivities(
        names=names,
        **{name: columns[name] for name in ("kind_codes", "name_codes", "device", "stream", "start_ns", "end_ns")},
        correlation=columns["correlation"],
        grid=_in_blocks(grid, block, names, call, calls),
        block=block,
        registers=columns["registers"],
        static_shared_bytes=shared,
        dynamic_shared_bytes=np.full(len(call), UNKNOWN, np.int64),
        local_bytes_per_thread=np.full(len(call), UNKNOWN, np.int64),
        occupancy=columns["occupancy"],
        bytes=np.where(columns["kind_codes"] == KINDS.index("kernel"), UNKNOWN, moved),
        direction_codes=columns["direction_codes"],
        graph=columns["graph"],
    )


def _in_blocks(
    grid: _Integers, block: _Integers, names: tuple[str, ...], call: _Integers, calls: Mapping[str, NDArray[Any]]
) -> _Integers:
    """Turn a grid that counts threads into one that counts blocks: roctracer gives what the launch was given."""
    by_name = np.array([counts_threads(name) for name in names], dtype=np.bool_)
    threads = np.zeros(len(grid), dtype=np.bool_)
    if calls:
        linked = call >= 0
        threads[linked] = by_name[calls["name_codes"][call[linked]]]
    threads &= (grid[:, 0] > 0) & (block.min(axis=1) > 0)
    blocks = grid.copy()
    blocks[threads] = -(-grid[threads] // block[threads])
    return blocks


def _counters(rows: Sequence[tuple[str, int, Mapping[str, float]]]) -> Counters:
    names = _Codes32()
    codes = names.codes(name for name, _, _ in rows)
    metrics = dict.fromkeys(metric for _, _, found in rows for metric in found)
    return Counters(
        names=tuple(names.places),
        name_codes=codes,
        device=np.array([device for _, device, _ in rows], dtype=np.int64),
        metrics={
            metric: np.array([found.get(metric, math.nan) for _, _, found in rows], dtype=np.float64)
            for metric in metrics
        },
    )


def _source(properties: Mapping[str, Any]) -> str:
    """Say what recorded the trace, as far as the file tells."""
    if "roctracer_version" in properties or "hip_runtime_version" in properties:
        tools = f"Kineto with roctracer {properties.get('roctracer_version', '')}".rstrip()
    elif "cupti_version" in properties:
        tools = f"Kineto with CUPTI {properties['cupti_version']}"
    elif "schemaVersion" in properties:
        tools = "Kineto"
    else:
        tools = "Chrome trace format"
    versions = [
        f"{words} {properties[key]}"
        for key, words in (
            ("cuda_runtime_version", "CUDA runtime"),
            ("cuda_driver_version", "CUDA driver"),
            ("hip_runtime_version", "HIP runtime"),
        )
        if isinstance(properties.get(key), int | str)
    ]
    rank = properties.get("distributedInfo")
    if isinstance(rank, dict) and type(rank.get("rank")) is int:
        versions.append(f"rank {rank['rank']} of {rank.get('world_size', 'an unknown number')}")
    return ", ".join([tools, *versions])


def _devices(properties: Mapping[str, Any]) -> tuple[Device, ...]:
    listed = properties.get("deviceProperties")
    found = []
    for entry in listed if isinstance(listed, list) else []:
        if not isinstance(entry, dict) or type(entry.get("id")) is not int:
            continue

        def whole(*keys: str, entry: Mapping[str, Any] = entry) -> int:
            return next((entry[key] for key in keys if type(entry.get(key)) is int), UNKNOWN)

        found.append(
            Device(
                identifier=entry["id"],
                name=str(entry.get("name", "")),
                compute_capability=(whole("computeMajor"), whole("computeMinor")),
                memory_bytes=whole("totalGlobalMem"),
                multiprocessors=whole("numSms"),
                warp_size=whole("warpSize"),
                threads_per_multiprocessor=whole("maxThreadsPerMultiprocessor"),
                registers_per_multiprocessor=whole("regsPerMultiprocessor"),
                shared_bytes_per_multiprocessor=whole("sharedMemPerMultiprocessor", "maxSharedMemoryPerMultiProcessor"),
            )
        )
    return tuple(found)
