"""Everything the tables are made from, read once: the plan, the journal, and the files of each capture."""

from __future__ import annotations

import functools
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import msgspec

from profiler.counts import CallCounts
from profiler.errors import TraceError
from profiler.manifest import Manifest, PlannedImplementation
from profiler.measure.samples import kept_samples
from profiler.records import (
    Captured,
    Ceiling,
    Clocks,
    ColdStage,
    Exposed,
    LibraryPath,
    LoadedKernel,
    Notice,
    Outcome,
    Sample,
    Sampled,
)
from profiler.stacks import Stacks
from profiler.store import RunDirectory
from profiler.tables.device_profile import DeviceProfile, profile_device
from profiler.tables.profile import CallProfile, profile_calls
from profiler.trace.device_integrity import device_findings
from profiler.trace.integrity import findings
from profiler.trace.kineto import Trace, read_trace
from profiler.trace.kineto_device import DEVICE_CATEGORIES, read_kineto
from profiler.trace.launch_join import link
from profiler.trace.onednn import Spoken, read_verbose
from profiler.trace.timeline import timeline_of

__all__ = ["CAPTURE_THREADS", "Capture", "Inputs"]

CAPTURE_THREADS = 1  # captures are made with one thread


@dataclass(frozen=True)
class Capture:
    """Hold what one capture left; `counts` has the case first, `profile` is None without a sound trace.

    `device` is None where nothing ran on a device, or where what the trace says of it is unsound. `kernels` are those
    that the process itself loaded.
    """

    counts: tuple[CallCounts, ...]
    profile: CallProfile | None
    device: DeviceProfile | None = None
    kernels: tuple[LoadedKernel, ...] = ()

    @property
    def call(self) -> CallCounts | None:
        """Give the counts of a call on the case itself."""
        return self.counts[0] if self.counts else None


class Inputs:
    """Read a run, complete or not; `notices` are what its traces and counts lack."""

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        self.manifest: Manifest = run.manifest()
        self._records = run.records()
        self.notices: list[Notice] = []

    @functools.cached_property
    def samples(self) -> list[Sample]:
        """Give the timed blocks that count."""
        return kept_samples(self._records)

    @functools.cached_property
    def cold_stages(self) -> list[ColdStage]:
        """Give every stage of every cold start."""
        return [record for record in self._records if isinstance(record, ColdStage)]

    @functools.cached_property
    def ceilings(self) -> list[Ceiling]:
        """Give every limit that was measured."""
        return [record for record in self._records if isinstance(record, Ceiling)]

    @functools.cached_property
    def clocks(self) -> list[Clocks]:
        """Give every reading of a device's clocks."""
        return [record for record in self._records if isinstance(record, Clocks)]

    @functools.cached_property
    def sampled(self) -> list[Sampled]:
        """Give every pass of CPU samples."""
        return [record for record in self._records if isinstance(record, Sampled)]

    def stacks(self, sampled: Sampled) -> Stacks | None:
        """Read the stacks of one pass; None where it left none, or none that can be read."""
        if not sampled.stacks:
            return None
        try:
            content = gzip.decompress((self._run.path / sampled.stacks).read_bytes())
            return msgspec.json.decode(content, type=Stacks)
        except (OSError, EOFError, zlib.error, msgspec.DecodeError) as error:
            self._note("unreadable_stacks", sampled, f"its CPU samples cannot be read ({error})")
            return None

    @functools.cached_property
    def library_paths(self) -> list[LibraryPath]:
        """Give every look at what the library does inside."""
        return [record for record in self._records if isinstance(record, LibraryPath)]

    def spoken(self, path: LibraryPath) -> Spoken | None:
        """Read what oneDNN wrote in one look; None where there is nothing, or nothing that can be read."""
        if not path.lines:
            return None
        try:
            spoken = read_verbose((self._run.path / path.lines).read_text(errors="replace"))
        except OSError as error:
            self._note("unreadable_library_path", path, f"what oneDNN wrote cannot be read ({error.strerror})")
            return None
        if spoken.unread or spoken.cut:
            text = f"lines of oneDNN that are not understood: {spoken.unread}; that were not kept: {spoken.cut}"
            self._note("library_path_not_whole", path, text)
        return spoken

    @functools.cached_property
    def exposed(self) -> list[Exposed]:
        """Give every trial of delaying work in other threads."""
        return [record for record in self._records if isinstance(record, Exposed)]

    @functools.cached_property
    def outcomes(self) -> dict[tuple[str, str, int], Outcome]:
        """Give the last word on each implementation, case and number of threads.

        An error that an earlier one found stays known where the last one did not look for it.
        """
        last: dict[tuple[str, str, int], Outcome] = {}
        for record in self._records:
            if not isinstance(record, Outcome) or record.phase == "unit":
                continue
            key = (record.implementation, record.case, record.threads)
            before = last.get(key)
            last[key] = record
            if record.max_error is None and before is not None:
                found = {"max_error": before.max_error, "error_bound": before.error_bound}
                last[key] = msgspec.structs.replace(record, **found)
        return last

    @functools.cached_property
    def captures(self) -> dict[tuple[str, str], Capture]:
        """Read the files of each capture, traces one after the other; what cannot be trusted is left out and noted."""
        captured = {
            (record.implementation, record.case): record for record in self._records if isinstance(record, Captured)
        }
        return {
            key: Capture(self._counts(record), *self._profiles(record), record.kernels)
            for key, record in captured.items()
        }

    def planned(self) -> Iterator[tuple[PlannedImplementation, str]]:
        """Give every planned implementation on every case, cases first."""
        for case, planned in product(self.manifest.cases, self.manifest.implementations):
            yield planned, case

    def right(self) -> Iterator[tuple[str, str]]:
        """Give the implementation and case of everything that computes its case rightly with one thread."""
        for planned, case in self.planned():
            outcome = self.outcomes.get((planned.name, case, CAPTURE_THREADS))
            if outcome is not None and outcome.status == "ok":
                yield planned.name, case

    def captures_in_order(self) -> Iterator[tuple[str, str]]:
        """Give the implementation and case of every capture, in the order of the plan."""
        for planned, case in self.planned():
            if (planned.name, case) in self.captures:
                yield planned.name, case

    def profile(self, implementation: str, case: str) -> CallProfile | None:
        """Give what a sound trace says of a call; None without one."""
        capture = self.captures.get((implementation, case))
        return capture.profile if capture is not None else None

    def device_profile(self, implementation: str, case: str) -> DeviceProfile | None:
        """Give what a sound trace says of a call's work on a device; None without one, or without such work."""
        capture = self.captures.get((implementation, case))
        return capture.device if capture is not None else None

    def _counts(self, captured: Captured) -> tuple[CallCounts, ...]:
        if not captured.counts:
            return ()
        try:
            content = (self._run.path / captured.counts).read_bytes()
            return tuple(msgspec.json.decode(content, type=list[CallCounts]))
        except (OSError, msgspec.DecodeError) as error:
            self._note("unreadable_counts", captured, f"the counts cannot be read ({error})")
            return ()

    def _profiles(self, captured: Captured) -> tuple[CallProfile | None, DeviceProfile | None]:
        if not captured.trace:
            return None, None
        if not (self._run.path / captured.trace).is_file():
            self._note("trace_not_kept", captured, f"{captured.trace} is not in the run any more")
            return None, None
        try:
            trace = read_trace(self._run.path / captured.trace)
        except TraceError as error:
            self._note("unsound_trace", captured, str(error))
            return None, None
        timeline = timeline_of(trace, captured.implementation, captured.case)
        found = findings(timeline, captured.calls)
        if found:
            facts = "; ".join(finding.text for finding in found)
            self._note("unsound_trace", captured, f"{facts}; its figures are left out")
            return None, None
        return profile_calls(timeline), self._device_profile(captured, trace)

    def _device_profile(self, captured: Captured, trace: Trace) -> DeviceProfile | None:
        if not trace.in_categories(*DEVICE_CATEGORIES).any():
            return None
        linked = link(read_kineto(self._run.path / captured.trace))
        found = device_findings(linked)
        if found:
            facts = "; ".join(finding.text for finding in found)
            self._note("unsound_trace", captured, f"{facts}; its figures of the device are left out")
            return None
        # What the CPU computes has ended when its call returns; any other device is waited for, by the capture.
        waits = captured.device != "cpu"
        return profile_device(linked, captured.implementation, captured.case, recorder_waits=waits)

    def _note(self, code: str, captured: Captured | Sampled | LibraryPath, text: str) -> None:
        text = text.replace(str(self._run.path), self._run.path.name)
        where = f"{captured.implementation} on {captured.case}"
        self.notices.append(
            Notice(code=code, text=f"{where}: {text}", implementation=captured.implementation, case=captured.case)
        )
