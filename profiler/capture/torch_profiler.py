"""Records labelled calls with torch's profiler and writes them as a Chrome trace."""

from __future__ import annotations

import functools
import gzip
import re
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.autograd.profiler import profile, record_function

from impls.device_events import DeviceEvents, DeviceEventSource
from profiler.capture.array_protocols import recording
from profiler.capture.device_trace import Entry, with_device_events
from profiler.capture.ranges import LabelledRange
from profiler.labels import CallLabel
from profiler.measure.device import CPU
from profiler.measure.subject import Subject
from profiler.store import write_atomically

__all__ = ["ArrayRanges", "record_calls", "without_names_of_this_machine"]

# The profiler's own fast range, which it records as an operator. It is private to torch, so it may be absent.
_FAST_RANGE = getattr(torch._C._profiler, "_RecordFunctionFast", None)
_COMPRESSION = 6
_STRING = rb'"(?:[^"\\]|\\.)*"'
_HOST_NAME = re.compile(rb'("host_name"\s*:\s*)' + _STRING)
_TRACE_NAME = re.compile(rb'("traceName"\s*:\s*)' + _STRING)


class ArrayRanges:
    """Be a recorder that shows each NumPy operator as an operator in the trace.

    `detailed` adds its inputs' shapes and bytes, as torch's own operators have them where shapes are recorded.
    """

    hears_results = False

    def __init__(self, *, detailed: bool) -> None:
        self._detailed = detailed

    def around(self, name: str, arguments: Sequence[Any]) -> AbstractContextManager[Any]:
        """Give a range of that name."""
        if _FAST_RANGE is None:
            return record_function(name)
        if not self._detailed:
            return _range(name)
        arrays = [value for value in arguments if isinstance(value, np.ndarray)]
        details = {
            "Input Dims": " ".join(str(list(array.shape)) for array in arrays),
            "Input bytes": sum(array.nbytes for array in arrays),
        }
        return _range(name, (), details)

    def done(self, *_: Any) -> None:
        """Hear nothing: what an operator gave is counted in another pass."""


def _range(*arguments: Any) -> AbstractContextManager[Any]:
    assert _FAST_RANGE is not None  # noqa: S101 - the caller has looked
    made: AbstractContextManager[Any] = _FAST_RANGE(*arguments)
    return made


def record_calls(
    subject: Subject,
    labels: Sequence[CallLabel],
    path: Path,
    *,
    detailed: bool,
    source: DeviceEventSource | None = None,
) -> None:
    """Profile one call for each label and write the trace, gzipped; `detailed` records the shapes of operators.

    What `source` records of a device that torch does not drive is added to the trace.
    `torch.autograd.profiler.profile` is what `torch.profiler.profile` runs; the latter imports torch's compiler first,
    which takes as long as importing torch. Its events are written out, never built as Python objects: that takes a
    hundred times as long.
    """
    with subject.context(), recording(ArrayRanges(detailed=detailed)):
        if len(labels) > 1:  # a first call under a profiler takes several times as long as the next
            _profiled(subject, labels[:1], detailed=detailed, source=source)
        recorded = _profiled(subject, labels, detailed=detailed, source=source)
    content = recorded.written()
    write_atomically(path, gzip.compress(without_names_of_this_machine(content), _COMPRESSION, mtime=0))


@dataclass(frozen=True)
class _Recording:
    """Hold what torch's profiler recorded of some calls, what the source of device events did, and calls' begins."""

    profile: profile
    events: DeviceEvents | None
    entries: Sequence[Entry]

    def written(self) -> bytes:
        """Give all of it as one Chrome trace."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "trace.json"
            export: Callable[[str], None] = functools.partial(self.profile.export_chrome_trace)
            export(str(file))
            content = file.read_bytes()
        return content if self.events is None else with_device_events(content, self.events, self.entries)


def _profiled(
    subject: Subject, labels: Sequence[CallLabel], *, detailed: bool, source: DeviceEventSource | None
) -> _Recording:
    ranges = [LabelledRange(label) for label in labels]
    entries: list[Entry] = []
    recorded = _profile(subject.device.name, detailed=detailed)
    with nullcontext() if source is None else source() as events, recorded:
        for labelled in ranges:
            before_ns = time.perf_counter_ns()
            with labelled:
                entries.append(Entry(labelled.text, before_ns, time.perf_counter_ns()))
                subject.call()  # the output is released within the range, so that a call's releases are its own
                subject.device.synchronize()  # and so is what the call left to a device
    return _Recording(recorded, events, entries)


def _profile(device: str, *, detailed: bool) -> profile:
    """Make a profiler that records the host, and a device's activities where Kineto knows the device."""
    # What torch.profiler.supported_activities gives, whose import takes as long as that of torch.
    supported = torch.autograd._supported_activities()  # type: ignore[attr-defined]
    known = device != CPU and device.upper() in {activity.name for activity in supported}
    return profile(
        use_cpu=True,
        use_kineto=True,
        use_device=device if known else None,
        record_shapes=detailed,
        profile_memory=True,
    )


def without_names_of_this_machine(content: bytes) -> bytes:
    """Blank the host's name, which stands before the events, and the path of the file, which stands after them."""
    begin = content.find(b'"traceEvents"')
    end = content.rfind(b"]")
    head, events, tail = content[:begin], content[begin:end], content[end:]
    return b"".join((_HOST_NAME.sub(rb'\1""', head), events, _TRACE_NAME.sub(rb'\1""', tail)))
