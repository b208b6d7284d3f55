"""The measure phase: cold starts and checks, then steady-state samples, all of it in worker processes."""

from __future__ import annotations

from profiler.measure.budget import Budget
from profiler.measure.cold_phase import ColdPhase
from profiler.measure.ledger import Ledger
from profiler.measure.notices import HostWatch, findings, left_out
from profiler.measure.samples import write_samples
from profiler.measure.screening_phase import ScreeningPhase
from profiler.measure.steady_phase import SteadyPhase
from profiler.progress import Progress
from profiler.records import LEAST_PROCESSES, MEASURED, ProcessEnded
from profiler.store import RunDirectory

__all__ = ["measure", "write_samples"]

_START_GUESS_S = 2.5  # a worker's imports and ceilings, until one has been timed

_LATER_PROCESSES = 2  # captures, the library's path; then CPU samples, by number of threads


def measure(run: RunDirectory, progress: Progress) -> None:
    """Do what the journal of a run lacks, and write `samples.parquet`; a run that is complete is left as it is.

    Complete processes count. Of one that was cut short, the cases with three rounds count, and another process takes
    its place. Raises WorkerError where worker processes cannot run at all, RunDirectoryError where another convprof
    measures into the run.
    """
    manifest = run.manifest()
    with Ledger(run, manifest) as ledger:
        if not ledger.measured:
            done = min(LEAST_PROCESSES, ledger.complete("cold", 1))
            done += sum(min(LEAST_PROCESSES, ledger.complete("steady", threads)) for threads in manifest.threads)
            planned = LEAST_PROCESSES * (1 + len(manifest.threads))
            later = _LATER_PROCESSES + len(manifest.threads)
            budget = Budget.of(manifest.time_s, done, planned, _START_GUESS_S, later_processes=later)
            progress.at(budget.share(), "looking at how busy the machine is")
            watch = HostWatch()
            for notice in left_out(manifest):
                ledger.add(notice)
            ColdPhase(run, manifest, ledger, budget).carry_out(progress)
            ScreeningPhase(run, manifest, ledger).carry_out(progress, budget.share())
            SteadyPhase(run, manifest, ledger, budget).carry_out(progress)
            progress.at(budget.share(), "writing the samples")
            for notice in [*watch.notices(), *findings(manifest, ledger)]:
                ledger.add(notice)
            ledger.add(ProcessEnded(purpose=MEASURED, process=0, threads=0, rounds=0, complete=True))
    write_samples(run)
