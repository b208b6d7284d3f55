"""Reads Kineto's and Chrome's trace files into typed columns.

Only this module and `kineto_device` know the keys of the format.

Format: Chrome's trace events, https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU, as
libkineto writes it from 2021 on. Timestamps are in microseconds: whole numbers before 2024, with decimals after.
"""

from __future__ import annotations

import gzip
import math
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from profiler.errors import TraceError
from profiler.trace.device_events import coded
from profiler.trace.values import Scalar, integers, nanoseconds, numbers, text

__all__ = ["LEGACY_CATEGORIES", "MEMORY_EVENT", "Trace", "read_trace"]

MEMORY_EVENT = "[memory]"  # the name of an allocation (bytes > 0) or a release (bytes < 0)

# Names that torch 1.8 to 1.13 gave to today's categories.
LEGACY_CATEGORIES = {
    "Operator": "cpu_op",
    "Runtime": "cuda_runtime",
    "Kernel": "kernel",
    "Memcpy": "gpu_memcpy",
    "Memset": "gpu_memset",
    "async": "ac2g",
    "async_cpu_to_gpu": "ac2g",
    "async_gpu": "ac2g",
}
_GZIP_MAGIC = b"\x1f\x8b"

_Integers = NDArray[np.int64]
_Codes = NDArray[np.int32]
_Floats = NDArray[np.float64]
_Flags = NDArray[np.bool_]


class _Arguments(msgspec.Struct, gc=False):
    memory_bytes: Scalar = msgspec.field(name="Bytes", default=None)
    copied_bytes: Scalar = msgspec.field(name="bytes", default=None)
    correlation: Scalar = None
    order: Scalar = msgspec.field(name="Ev Idx", default=None)


class _Event(msgspec.Struct, gc=False):
    phase: str = msgspec.field(name="ph", default="")
    category: str | None = msgspec.field(name="cat", default=None)
    name: Scalar = ""
    process: Scalar = msgspec.field(name="pid", default="")
    thread: Scalar = msgspec.field(name="tid", default="")
    start: Scalar = msgspec.field(name="ts", default=None)
    duration: Scalar = msgspec.field(name="dur", default=None)
    arguments: _Arguments | None = msgspec.field(name="args", default=None)


class _File(msgspec.Struct):
    events: list[_Event] = msgspec.field(name="traceEvents")


_DECODER = msgspec.json.Decoder(_File | list[_Event])
_NO_ARGUMENTS = _Arguments()


@dataclass(frozen=True)
class Trace:
    """Hold the events of one trace as columns, in the file's order.

    `names`, `recorded_categories` and `threads` are the distinct values that the code columns point to; '' is an event
    without a category. `timestamp_us` is as recorded, NaN where missing; `start_ns` counts from a moment before the
    first event; `timed` says that an event has both a timestamp and a duration. `bytes` and `correlation` are NaN and
    -1 where missing. `order` tells which of two events with the same start came first.
    """

    names: tuple[str, ...]
    name_codes: _Codes
    recorded_categories: tuple[str, ...]
    category_codes: _Codes
    threads: tuple[tuple[str, str], ...]
    thread_codes: _Codes
    spans: _Flags
    timed: _Flags
    timestamp_us: _Floats
    start_ns: _Integers
    duration_ns: _Integers
    bytes: _Floats
    correlation: _Integers
    order: _Integers

    def __len__(self) -> int:
        return len(self.name_codes)

    @property
    def categories(self) -> tuple[str, ...]:
        """Give `recorded_categories` in today's names."""
        return tuple(LEGACY_CATEGORIES.get(category, category) for category in self.recorded_categories)

    @property
    def end_ns(self) -> _Integers:
        """Give each event's end."""
        return self.start_ns + self.duration_ns

    @property
    def recorded_counts(self) -> Counter[str]:
        """Count the events of each category as recorded."""
        counts = np.bincount(self.category_codes, minlength=len(self.recorded_categories))
        return Counter(dict(zip(self.recorded_categories, counts.tolist(), strict=True)))

    def in_categories(self, *categories: str) -> _Flags:
        """Say for each event whether it is of one of these categories, in today's names."""
        chosen = [code for code, category in enumerate(self.categories) if category in categories]
        return np.isin(self.category_codes, chosen)

    def named(self, name: str) -> _Flags:
        """Say for each event whether it has this name."""
        code = self.names.index(name) if name in self.names else -1
        flags: _Flags = self.name_codes == code
        return flags

    def name_of(self, event: int) -> str:
        """Give the name of the event at a position."""
        return self.names[int(self.name_codes[event])]

    @property
    def resolution_ns(self) -> int:
        """Give the step of its clock: 1 where timestamps have decimals, 1000 where they are whole microseconds."""
        known = self.timestamp_us[np.isfinite(self.timestamp_us)]
        return 1 if np.any(known != np.floor(known)) else 1000


def read_trace(path: Path) -> Trace:
    """Read a `.json` or `.json.gz` trace; raises TraceError where it cannot be read, is cut short or is no trace."""
    try:
        content = path.read_bytes()
        if content.startswith(_GZIP_MAGIC):
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise TraceError(f"{path} cannot be read ({error}); it may be cut short: record it again") from error
    try:
        decoded = _DECODER.decode(content)
    except msgspec.ValidationError as error:
        raise TraceError(f"{path} is JSON but no trace ({error}); name a Kineto or Chrome trace") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TraceError(f"{path} is not whole JSON ({error}); it may be cut short: record it again") from error
    return _columns(decoded.events if isinstance(decoded, _File) else decoded)


def _columns(events: list[_Event]) -> Trace:
    names, name_codes = coded(text(event.name) for event in events)
    categories, category_codes = coded(event.category or "" for event in events)
    threads, thread_codes = coded((text(event.process), text(event.thread)) for event in events)
    arguments = [event.arguments or _NO_ARGUMENTS for event in events]
    timestamp_us = numbers(event.start for event in events)
    duration_us = numbers(event.duration for event in events)
    return Trace(
        names=names,
        name_codes=name_codes,
        recorded_categories=categories,
        category_codes=category_codes,
        threads=threads,
        thread_codes=thread_codes,
        spans=np.fromiter((event.phase == "X" for event in events), dtype=np.bool_, count=len(events)),
        timed=np.isfinite(timestamp_us) & np.isfinite(duration_us),
        timestamp_us=timestamp_us,
        start_ns=_since_origin(timestamp_us),
        duration_ns=nanoseconds(duration_us),
        bytes=numbers(each.memory_bytes if each.memory_bytes is not None else each.copied_bytes for each in arguments),
        correlation=integers((each.correlation for each in arguments), [-1] * len(events)),
        order=integers((each.order for each in arguments), range(len(events))),
    )


def _since_origin(timestamp_us: _Floats) -> _Integers:
    """Count nanoseconds from the whole microsecond before the first event.

    Subtracting first keeps the last digit: months since an epoch, times 1000, no longer fit into a float64.
    """
    known = timestamp_us[np.isfinite(timestamp_us) & (timestamp_us > 0)]
    origin = math.floor(known.min()) if len(known) else 0
    return nanoseconds(timestamp_us - origin)
