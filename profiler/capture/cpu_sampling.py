"""The CPU samples of every implementation, in a pass of their own after the captures, where the machine permits it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import product

import msgspec

from impls.case import ConvCase
from profiler.capture.cpu_sampling_protocol import CpuSamplingJob, CpuSamplingTask
from profiler.capture.perf import why_not
from profiler.capture.protocol import DONE
from profiler.isolation import Ending, run_worker
from profiler.manifest import Manifest, PlannedImplementation
from profiler.measure.device import CPU
from profiler.measure.launch import processors_for, thread_variables
from profiler.progress import Progress
from profiler.records import AnyRecord, Notice, Outcome, Sample, Sampled, Screened
from profiler.store import Journal, RunDirectory, file_stem

__all__ = ["RATE_HZ", "SAMPLING_SHARE", "sample_cpu", "waiting_tasks"]

RATE_HZ = 3001  # not a multiple of anything that a call may be in step with
SAMPLING_SHARE = 0.1  # of the whole run, in intervals; reading the samples takes about as long again
_WORKER = "profiler.capture.cpu_sampling_worker"
_LEAST_S, _MOST_S = 0.25, 3.0
_IN_FOCUS = 3.0  # what the reader named and the baseline get so many times the share of others
_SMALL_INPUT, _SEVERAL_THREADS = 0.4, 0.5  # weights of the smallest input, and of another number of threads
_DONE_SHARE = 0.93  # of the whole run; tables and report follow


def sample_cpu(run: RunDirectory, progress: Progress, refusal: Callable[[], str] = why_not) -> None:
    """Sample what was measured and not sampled yet; one that fails here loses its samples only.

    `refusal` says why the machine does not permit it, '' where it does; then a notice tells the reader.
    """
    manifest = run.manifest()
    # On a device the host's samples show how it waits; what it does meanwhile is in the trace's timeline.
    waiting = waiting_tasks(manifest, run.records()) if manifest.device == CPU else {}
    if not waiting:
        return
    why = refusal()
    with run.journal() as journal:
        if why:
            text = f"no CPU samples: {why}. Without them arithmetic and threads are not estimated"
            _add_once(run, journal, Notice(code="no_cpu_samples", text=text))
            return
        run.traces.mkdir(parents=True, exist_ok=True)
        for threads, tasks in waiting.items():
            progress.at(_DONE_SHARE, f"sampling the processor, {threads} thread{'s' if threads > 1 else ''}")
            _Sampling(run, manifest, journal, threads, tasks).carry_out()


def _add_once(run: RunDirectory, journal: Journal, notice: Notice) -> None:
    if notice not in run.records():
        journal.append(notice)


def waiting_tasks(manifest: Manifest, records: Iterable[AnyRecord]) -> dict[int, list[CpuSamplingTask]]:
    """List by number of threads what is to be sampled: all that has steady samples, and its smallest input."""
    listed = list(records)
    done = {(each.implementation, each.case, each.threads) for each in listed if isinstance(each, Sampled)}
    wanted = _wanted(manifest, listed)
    share = SAMPLING_SHARE * manifest.time_s / max(1.0, sum(weight for _, weight in wanted.values()))
    tasks: dict[int, list[CpuSamplingTask]] = {}
    for (name, case, threads), (planned, weight) in wanted.items():
        if (name, case, threads) not in done:
            task = CpuSamplingTask(
                implementation=planned,
                case=case,
                seconds=min(_MOST_S, max(_LEAST_S, weight * share)),
                stacks=f"traces/{file_stem(name, case, str(threads))}.stacks.json.gz",
            )
            tasks.setdefault(threads, []).append(task)
    return tasks


def _wanted(
    manifest: Manifest, records: Sequence[AnyRecord]
) -> dict[tuple[str, str, int], tuple[PlannedImplementation, float]]:
    """Give what there are steady samples of, with its weight, in the order of the plan.

    What takes as long with one thread as with several is sampled with one only.
    """
    measured = {
        (each.implementation, each.case, each.threads)
        for each in records
        if isinstance(each, Sample) and (each.mode, each.variant) == ("steady", "")
    }
    units = {
        (each.implementation, each.case)
        for each in records
        if isinstance(each, Outcome) and each.phase == "unit" and each.status == "ok"
    }
    serial = {
        (each.implementation, each.case, each.threads)
        for each in records
        if isinstance(each, Screened) and (each.switch, each.kept) == ("one_thread", False)
    }
    wanted: dict[tuple[str, str, int], tuple[PlannedImplementation, float]] = {}
    for threads, case, planned in product(manifest.threads, manifest.cases, manifest.implementations):
        if (planned.name, case, threads) in measured and (planned.name, case, threads) not in serial:
            focus = _IN_FOCUS if planned.asked_for or planned.name == manifest.baseline else 1.0
            weight = focus * (1.0 if threads == 1 else _SEVERAL_THREADS)
            wanted.setdefault((planned.name, case, threads), (planned, weight))
            small = ConvCase.parse(case).smallest[0].name
            if threads == 1 and (planned.name, small) in units:
                wanted.setdefault((planned.name, small, threads), (planned, focus * _SMALL_INPUT))
    return wanted


class _Sampling:
    """Hand the tasks of one condition to workers until none is left; a worker that dies is followed by another."""

    def __init__(
        self, run: RunDirectory, manifest: Manifest, journal: Journal, threads: int, tasks: list[CpuSamplingTask]
    ) -> None:
        self._run = run
        self._manifest = manifest
        self._journal = journal
        self._threads = threads
        self._left = {(task.implementation.name, task.case): task for task in tasks}

    def carry_out(self) -> None:
        """Sample all that is left."""
        while self._left:
            before = len(self._left)
            ending = self._work()
            if self._left and not self._blame(ending) and len(self._left) == before:
                text = f"no CPU samples: the sampling process {ending.kind} {ending.detail} before it had any"
                _add_once(self._run, self._journal, Notice(code="no_cpu_samples", text=text))
                return

    def _work(self) -> Ending:
        job = CpuSamplingJob(
            folder=str(self._run.path),
            seed=self._manifest.seed,
            device=self._manifest.device,
            threads=self._threads,
            call_limit_s=self._manifest.call_limit_s,
            rate_hz=RATE_HZ,
            tasks=list(self._left.values()),
        )
        return run_worker(
            _WORKER,
            msgspec.json.encode(job),
            on_record=self._take,
            log=self._run.log_path("cpu-samples"),
            environment=thread_variables(self._threads),
            processors=processors_for(self._threads),
        )

    def _take(self, record: AnyRecord) -> None:
        self._journal.append(record)
        if isinstance(record, Sampled):
            self._left.pop((record.implementation, record.case), None)

    def _blame(self, ending: Ending) -> bool:
        """Give up sampling what ended its worker; False where that was none of those left."""
        blamed = ending.blamed
        if blamed is None or blamed.stage == DONE.stage:
            return False
        if (blamed.implementation, blamed.case) not in self._left:
            return False
        detail = ending.detail or "ended its process with exit code 0"
        self._take(
            Sampled(
                implementation=blamed.implementation,
                case=blamed.case,
                device=self._manifest.device,
                threads=self._threads,
                stacks="",
                samples=0,
                rate_hz=RATE_HZ,
                calls=0,
                seconds=0.0,
                reason=f"{detail} while being sampled",
            )
        )
        return True
