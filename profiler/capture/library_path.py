"""What the library does inside each implementation's calls, in its own words: a pass of its own after the captures."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

import msgspec

from impls.catalog import find
from profiler.capture.library_path_protocol import LibraryPathJob, LibraryPathTask
from profiler.capture.protocol import DONE
from profiler.isolation import Ending, run_worker
from profiler.manifest import Manifest, PlannedImplementation
from profiler.measure.device import CPU
from profiler.measure.launch import thread_variables
from profiler.progress import Progress
from profiler.records import AnyRecord, LibraryPath, Notice, Sample
from profiler.store import Journal, RunDirectory, file_stem

__all__ = ["record_library_paths", "waiting_tasks"]

_WORKER = "profiler.capture.library_path_worker"
# 2 shows primitives made and run; the older name is that of oneDNN 1 and 2.
_VERBOSE = {"ONEDNN_VERBOSE": "2", "DNNL_VERBOSE": "2"}
_DONE_SHARE = 0.93  # of the whole run; CPU samples, tables and report follow


def record_library_paths(run: RunDirectory, progress: Progress) -> None:
    """Look into what was measured and not looked into yet; what fails here loses its own rows only."""
    manifest = run.manifest()
    records = run.records()
    tasks = waiting_tasks(manifest, records) if manifest.device == CPU else []  # oneDNN computes on the CPU
    if tasks:
        run.traces.mkdir(parents=True, exist_ok=True)
        progress.at(_DONE_SHARE, "asking the library what it does")
        with run.journal() as journal:
            _Paths(run, manifest, journal, tasks).carry_out(records)


def waiting_tasks(manifest: Manifest, records: Iterable[AnyRecord]) -> list[LibraryPathTask]:
    """List what has steady samples and may call the library on tensors, in the order of the plan, without a record."""
    listed = list(records)
    done = {(each.implementation, each.case, each.threads) for each in listed if isinstance(each, LibraryPath)}
    measured = {
        (each.implementation, each.case, each.threads)
        for each in listed
        if isinstance(each, Sample) and (each.mode, each.variant) == ("steady", "")
    }
    return [
        LibraryPathTask(
            implementation=planned,
            case=case,
            threads=threads,
            lines=f"traces/{file_stem(planned.name, case, str(threads))}.onednn.txt",
        )
        for case, threads, planned in product(manifest.cases, manifest.threads, manifest.implementations)
        if (planned.name, case, threads) in measured - done and _may_call_the_library(planned)
    ]


def _may_call_the_library(planned: PlannedImplementation) -> bool:
    """Say so of the library's own, and of a reader's function, which shows its kind in the worker only."""
    if planned.source != "catalog":
        return True
    return planned.family == "library" and find(planned.name).arrays == "torch"


class _Paths:
    """Hand the tasks to workers until none is left; a worker that dies is followed by another."""

    def __init__(self, run: RunDirectory, manifest: Manifest, journal: Journal, tasks: list[LibraryPathTask]) -> None:
        self._run = run
        self._manifest = manifest
        self._journal = journal
        self._left = {(task.implementation.name, task.case, task.threads): task for task in tasks}

    def carry_out(self, records: Iterable[AnyRecord]) -> None:
        """Do all that is left; `records` are those of before."""
        while self._left:
            before = len(self._left)
            ending = self._work()
            if self._left and len(self._left) == before and not self._blame(ending):
                text = f"what the library does inside is not known: the process {ending.kind} {ending.detail} at once"
                notice = Notice(code="no_library_path", text=text)
                if notice not in records:
                    self._journal.append(notice)
                return

    def _work(self) -> Ending:
        job = LibraryPathJob(
            folder=str(self._run.path),
            seed=self._manifest.seed,
            device=self._manifest.device,
            call_limit_s=self._manifest.call_limit_s,
            tasks=list(self._left.values()),
        )
        return run_worker(
            _WORKER,
            msgspec.json.encode(job),
            on_record=self._take,
            log=self._run.log_path("library-path"),
            environment={**thread_variables(max(self._manifest.threads)), **_VERBOSE},
        )

    def _take(self, record: AnyRecord) -> None:
        self._journal.append(record)
        if isinstance(record, LibraryPath):
            self._left.pop((record.implementation, record.case, record.threads), None)

    def _blame(self, ending: Ending) -> bool:
        """Give up what ended its worker, which does its tasks in order; False where that was none of those left."""
        blamed = ending.blamed
        if blamed is None or blamed.stage == DONE.stage:
            return False
        task = next(iter(self._left.values()))
        if (task.implementation.name, task.case) != (blamed.implementation, blamed.case):
            return False
        detail = ending.detail or "ended its process with exit code 0"
        self._take(
            LibraryPath(
                implementation=blamed.implementation,
                case=blamed.case,
                device=self._manifest.device,
                threads=task.threads,
                backends=[],
                lines="",
                reason=f"{detail} while the library was asked what it does",
            )
        )
        return True
