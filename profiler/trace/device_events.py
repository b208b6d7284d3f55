"""What a trace says of devices and of the host that feeds them, as typed columns, whichever tool recorded it.

Every reader of traces with a device makes one `DeviceTrace`; nothing downstream knows a file's format. All times are
whole nanoseconds on one clock, from a moment at or before the first event. An unknown whole number is -1, an unknown
amount NaN.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Literal, Self, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "COPY_DIRECTIONS",
    "KINDS",
    "UNKNOWN",
    "ActivityKind",
    "Counters",
    "Device",
    "DeviceActivities",
    "DeviceTrace",
    "HostCalls",
    "HostRanges",
    "HostSpans",
    "Operators",
    "coded",
]

UNKNOWN = -1

# A `graph` row stands for a whole graph where its nodes were not recorded one by one.
ActivityKind = Literal["kernel", "memcpy", "memset", "graph"]
KINDS: tuple[ActivityKind, ...] = get_args(ActivityKind)

# From host, device, or what the trace does not tell, to the same; peer copies go from one device to another.
COPY_DIRECTIONS = ("h2d", "d2h", "d2d", "h2h", "peer", "unknown")

Value = TypeVar("Value")
_Integers = NDArray[np.int64]
_Codes = NDArray[np.int32]
_Floats = NDArray[np.float64]
_Flags = NDArray[np.bool_]


def coded(values: Iterable[Value]) -> tuple[tuple[Value, ...], _Codes]:
    """Replace values by their place among the distinct ones, in the order in which they first appear."""
    places: dict[Value, int] = {}
    codes = np.fromiter((places.setdefault(value, len(places)) for value in values), dtype=np.int32)
    return tuple(places), codes


@dataclass(frozen=True)
class _Columns:
    """Columns of one length; code columns point into tuples of distinct values."""

    def where(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Self:
        """Give the rows that are chosen by flags or positions."""
        columns = {each.name: getattr(self, each.name) for each in fields(self)}
        return type(self)(
            **{name: value[chosen] if isinstance(value, np.ndarray) else value for name, value in columns.items()}
        )


@dataclass(frozen=True)
class HostSpans(_Columns):
    """Hold spans on host threads, in any order; `thread_codes` point into `DeviceTrace.threads`."""

    names: tuple[str, ...] = ()
    name_codes: _Codes = field(default_factory=lambda: np.empty(0, np.int32))
    thread_codes: _Codes = field(default_factory=lambda: np.empty(0, np.int32))
    start_ns: _Integers = field(default_factory=lambda: np.empty(0, np.int64))
    end_ns: _Integers = field(default_factory=lambda: np.empty(0, np.int64))

    def __len__(self) -> int:
        return len(self.name_codes)

    def name_of(self, row: int) -> str:
        """Give the name of one row."""
        return self.names[int(self.name_codes[row])]


@dataclass(frozen=True)
class HostCalls(HostSpans):
    """Hold calls of a device's runtime or driver.

    `correlation` joins a call with the activities that it asked for. It is unique in the trace: a reader of a file with
    several processes makes one key of process and correlation. -1 where the call has none.
    """

    correlation: _Integers = field(default_factory=lambda: np.empty(0, np.int64))


@dataclass(frozen=True)
class HostRanges(HostSpans):
    """Hold ranges that users mark (NVTX, record_function); `domain_codes` point into `domains`, '' for none."""

    domains: tuple[str, ...] = ("",)
    domain_codes: _Codes = field(default_factory=lambda: np.empty(0, np.int32))


@dataclass(frozen=True)
class Operators(HostSpans):
    """Hold a framework's operators.

    `input_bytes` are the bytes of the tensors that one takes in, `flops` what a formula gives for its shapes; both NaN
    where shapes or the formula are not known.
    """

    input_bytes: _Floats = field(default_factory=lambda: np.empty(0, np.float64))
    flops: _Floats = field(default_factory=lambda: np.empty(0, np.float64))


@dataclass(frozen=True)
class DeviceActivities(_Columns):
    """Hold what ran on devices, in any order.

    `kind_codes` point into `KINDS`, `direction_codes` into `COPY_DIRECTIONS` (-1 for what is no copy). `grid` counts
    blocks and `block` threads, both of shape (rows, 3). `bytes` are those of a copy or a set. `occupancy` is the
    theoretical one as the recorder gives it, a fraction. `graph` is the graph that a kernel is a node of. Where a
    recorder gives only the sum of both kinds of shared memory, it stands as static and the dynamic one is unknown.
    """

    kind_codes: _Codes = field(default_factory=lambda: np.empty(0, np.int32))
    names: tuple[str, ...] = ()
    name_codes: _Codes = field(default_factory=lambda: np.empty(0, np.int32))
    device: _Integers = field(default_factory=lambda: np.empty(0, np.int64))
    stream: _Integers = field(default_factory=lambda: np.empty(0, np.int64))
    start_ns: _Integers = field(default_factory=lambda: np.empty(0, np.int64))
    end_ns: _Integers = field(default_factory=lambda: np.empty(0, np.int64))
    correlation: _Integers = field(default_factory=lambda: np.empty(0, np.int64))
    grid: _Integers = field(default_factory=lambda: np.empty((0, 3), np.int64))
    block: _Integers = field(default_factory=lambda: np.empty((0, 3), np.int64))
    registers: _Integers = field(default_factory=lambda: np.empty(0, np.int64))
    static_shared_bytes: _Integers = field(default_factory=lambda: np.empty(0, np.int64))
    dynamic_shared_bytes: _Integers = field(default_factory=lambda: np.empty(0, np.int64))
    local_bytes_per_thread: _Integers = field(default_factory=lambda: np.empty(0, np.int64))
    occupancy: _Floats = field(default_factory=lambda: np.empty(0, np.float64))
    bytes: _Integers = field(default_factory=lambda: np.empty(0, np.int64))
    direction_codes: _Codes = field(default_factory=lambda: np.empty(0, np.int32))
    graph: _Integers = field(default_factory=lambda: np.empty(0, np.int64))

    def __len__(self) -> int:
        return len(self.name_codes)

    @property
    def duration_ns(self) -> _Integers:
        """Give how long each took."""
        return self.end_ns - self.start_ns

    @property
    def shared_bytes(self) -> _Integers:
        """Give the shared memory of a block, static and dynamic together."""
        known = (self.static_shared_bytes >= 0) | (self.dynamic_shared_bytes >= 0)
        total = np.maximum(self.static_shared_bytes, 0) + np.maximum(self.dynamic_shared_bytes, 0)
        return np.where(known, total, UNKNOWN)

    def of_kind(self, *kinds: ActivityKind) -> _Flags:
        """Say for each row whether it is of one of these kinds."""
        return np.isin(self.kind_codes, [KINDS.index(kind) for kind in kinds])

    def name_of(self, row: int) -> str:
        """Give the name of one row."""
        return self.names[int(self.name_codes[row])]


@dataclass(frozen=True)
class Counters:
    """Hold what hardware counters say of ranges, which are kernels as a rule; a metric is NaN where a range lacks it.

    Their times are left out: counters are collected over several replays of a kernel.
    """

    names: tuple[str, ...] = ()
    name_codes: _Codes = field(default_factory=lambda: np.empty(0, np.int32))
    device: _Integers = field(default_factory=lambda: np.empty(0, np.int64))
    metrics: Mapping[str, _Floats] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.name_codes)


@dataclass(frozen=True)
class Device:
    """Describe one device; -1 for what the trace does not say. `multiprocessors` are AMD's compute units too."""

    identifier: int
    name: str
    compute_capability: tuple[int, int] = (UNKNOWN, UNKNOWN)
    memory_bytes: int = UNKNOWN
    multiprocessors: int = UNKNOWN
    warp_size: int = UNKNOWN
    threads_per_multiprocessor: int = UNKNOWN
    registers_per_multiprocessor: int = UNKNOWN
    shared_bytes_per_multiprocessor: int = UNKNOWN


@dataclass(frozen=True)
class DeviceTrace:
    """Hold one recorded trace.

    `source` names the recorder in words. `threads` are (process, thread). `resolution_ns` is the step of the clock.
    `os_calls` are calls of the system's libraries that wait, where they were recorded; `overheads` spans in which the
    recorder itself worked. `losses` say in words what of the file could not be taken.
    """

    source: str
    threads: tuple[tuple[str, str], ...] = ()
    devices: tuple[Device, ...] = ()
    host_calls: HostCalls = field(default_factory=HostCalls)
    activities: DeviceActivities = field(default_factory=DeviceActivities)
    ranges: HostRanges = field(default_factory=HostRanges)
    operators: Operators = field(default_factory=Operators)
    python_functions: HostSpans = field(default_factory=HostSpans)
    os_calls: HostSpans = field(default_factory=HostSpans)
    overheads: HostSpans = field(default_factory=HostSpans)
    counters: Counters = field(default_factory=Counters)
    resolution_ns: int = 1
    losses: tuple[str, ...] = ()

    @property
    def window(self) -> tuple[int, int]:
        """Give the start and end of what was recorded on host and devices; (0, 0) where nothing was."""
        columns = (self.host_calls, self.activities, self.ranges, self.operators, self.python_functions)
        held = [each for each in columns if len(each)]
        if not held:
            return 0, 0
        start = min(int(each.start_ns.min()) for each in held)
        return start, max(start, *(int(each.end_ns.max()) for each in held))  # a damaged duration may be negative

    def device_of(self, identifier: int) -> Device:
        """Describe a device, by its number alone where the trace does not."""
        known = {device.identifier: device for device in self.devices}
        return known.get(identifier, Device(identifier, ""))
