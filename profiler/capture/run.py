"""The capture phase: each implementation once more, counted and under the profiler, in worker processes."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

import msgspec

from impls.case import ConvCase
from profiler.capture.protocol import DONE, CaptureJob, CaptureTask
from profiler.isolation import Ending, run_worker
from profiler.manifest import Manifest
from profiler.measure.budget import MEASURE_SHARE
from profiler.measure.launch import thread_variables
from profiler.progress import Progress
from profiler.records import AnyRecord, Captured, Notice, Outcome
from profiler.store import Journal, RunDirectory, file_stem

__all__ = ["capture", "waiting_tasks"]

_WORKER = "profiler.capture.worker"
_THREADS = 1  # with several, the profiler's own lock would be what is seen
_DONE_SHARE = 0.93  # of the whole run; tables and report follow


def capture(run: RunDirectory, progress: Progress) -> None:
    """Capture what is right and not captured yet; one that fails here loses its capture only, its record says why."""
    manifest = run.manifest()
    records = run.records()
    tasks = waiting_tasks(manifest, records)
    if tasks:
        with run.journal() as journal:
            _Captures(run, manifest, journal, tasks, records).carry_out(progress)


def waiting_tasks(manifest: Manifest, records: Iterable[AnyRecord]) -> list[CaptureTask]:
    """List what is to be captured: every implementation whose last outcome on a case is ok, without a capture yet."""
    outcomes: dict[tuple[str, str], Outcome] = {}
    units: dict[tuple[str, str], Outcome] = {}
    captured: set[tuple[str, str]] = set()
    seconds: dict[tuple[str, str], float] = {}
    for record in records:
        if isinstance(record, Outcome) and record.threads == _THREADS:
            key = (record.implementation, record.case)
            (units if record.phase == "unit" else outcomes)[key] = record
            if record.phase != "unit" and record.seconds_per_call is not None:
                seconds[key] = record.seconds_per_call
        elif isinstance(record, Captured):
            captured.add((record.implementation, record.case))
    tasks: list[CaptureTask] = []
    for case, planned in product(manifest.cases, manifest.implementations):
        key = (planned.name, case)
        if key in captured or key not in outcomes or outcomes[key].status != "ok":
            continue
        smallest = dict.fromkeys(unit.name for unit in ConvCase.parse(case).smallest)
        stem = file_stem(*key)
        tasks.append(
            CaptureTask(
                implementation=planned,
                case=case,
                units=[unit for unit in smallest if _is_ok(units.get((planned.name, unit)))],
                seconds_per_call=seconds.get(key, 0.0),
                trace=f"traces/{stem}.json.gz",
                counts=f"traces/{stem}.counts.json",
            )
        )
    return tasks


def _is_ok(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.status == "ok"


class _Captures:
    """Hand tasks to workers until none is left; a worker that dies is followed by another for the rest."""

    def __init__(
        self,
        run: RunDirectory,
        manifest: Manifest,
        journal: Journal,
        tasks: list[CaptureTask],
        records: Iterable[AnyRecord],
    ) -> None:
        self._run = run
        self._manifest = manifest
        self._journal = journal
        self._left = {(task.implementation.name, task.case): task for task in tasks}
        self._all = len(tasks)
        self._again: tuple[str, str] | None = None  # what ends its worker now and is tried once more
        self._notices = {record for record in records if isinstance(record, Notice)}
        self._progress: Progress

    def carry_out(self, progress: Progress) -> None:
        """Capture all, then say so."""
        self._progress = progress
        self._run.traces.mkdir(parents=True, exist_ok=True)
        while self._left:
            self._say_next()
            before = dict(self._left)
            ending = self._work()
            if not self._left:
                return
            if not self._blame(ending) and self._left == before:
                text = f"traces are missing: the capture process {ending.kind} {ending.detail} before it captured any"
                self._take(Notice(code="capture_failed", text=text))
                return

    def _work(self) -> Ending:
        job = CaptureJob(
            folder=str(self._run.path),
            seed=self._manifest.seed,
            device=self._manifest.device,
            threads=_THREADS,
            call_limit_s=self._manifest.call_limit_s,
            tasks=list(self._left.values()),
        )
        return run_worker(
            _WORKER,
            msgspec.json.encode(job),
            on_record=self._hear,
            log=self._run.log_path("capture"),
            environment=thread_variables(_THREADS),
        )

    def _hear(self, record: AnyRecord) -> None:
        if not (isinstance(record, Captured) and self._has_another_try(record)):
            self._take(record)

    def _take(self, record: AnyRecord) -> None:
        if isinstance(record, Notice):
            if record in self._notices:
                return
            self._notices.add(record)
        self._journal.append(record)
        if isinstance(record, Captured):
            self._left.pop((record.implementation, record.case), None)
            self._say_next()

    def _has_another_try(self, record: Captured) -> bool:
        """Put a failed task down for a capture without the smallest inputs, where it had them.

        An implementation may keep what it made for the first image it saw, and fail on one of another size.
        """
        key = (record.implementation, record.case)
        task = self._left.get(key)
        if record.counts or task is None or not task.units:
            return False
        self._left[key] = msgspec.structs.replace(task, units=[])
        self._again = key
        return True

    def _blame(self, ending: Ending) -> bool:
        """Give up the capture of what ended its worker; False where that was none of those left."""
        blamed = ending.blamed
        if blamed is None or blamed.stage == DONE.stage:
            return False
        key, again, self._again = (blamed.implementation, blamed.case), self._again, None
        if key == again:
            return True
        task = self._left.get(key)
        if task is None:
            return False
        detail = ending.detail or "ended its process with exit code 0"
        self._take(
            Captured(
                implementation=blamed.implementation,
                case=blamed.case,
                device=self._manifest.device,
                threads=_THREADS,
                trace="",
                counts=task.counts if (self._run.path / task.counts).is_file() else "",
                calls=0,
                reason=f"{detail} while being captured ({blamed.stage})",
            )
        )
        return True

    def _say_next(self) -> None:
        done = self._all - len(self._left)
        share = MEASURE_SHARE + (_DONE_SHARE - MEASURE_SHARE) * done / self._all
        following = next(iter(self._left), None)
        self._progress.at(share, f"capturing {following[0]}" if following else "captured all")
