"""The worker process: `python -m profiler.measure.worker`, started by `profiler.isolation.run_worker`."""

from __future__ import annotations

import os
import resource
import sys

from profiler.isolation import RecordPipe
from profiler.measure.cold import import_libraries, run_cold
from profiler.measure.device import Accelerator, open_device
from profiler.measure.failure import describe_exception, on_uncaught
from profiler.measure.protocol import DONE, ScreenJob, SteadyJob, decode_job
from profiler.records import ColdStage, Notice, Outcome, Starting

__all__ = ["main"]

_CEILINGS_LIMIT_S = 60.0


def main() -> None:
    """Read a job, do it, and end without running what an implementation may have registered for the end."""
    pipe = RecordPipe.from_environment()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash that is expected need not fill the user's folder
    job = decode_job(sys.stdin.buffer.read())
    if isinstance(job, SteadyJob):
        _run_steady(job, pipe)
    elif isinstance(job, ScreenJob):
        _run_screening(job, pipe)
    else:
        run_cold(job, pipe)
    pipe.end(DONE)


def _run_steady(job: SteadyJob, pipe: RecordPipe) -> None:
    seconds = import_libraries()
    if job.threads == 1 and not job.environment:
        stage = ColdStage(
            implementation="",
            case="",
            device=job.device,
            threads=1,
            process=job.process,
            stage="import",
            seconds=seconds,
        )
        pipe.send(stage)
    _check_pinning(job, pipe)
    import torch

    from profiler.measure.ceilings import measure_ceilings
    from profiler.measure.device_ceilings import measure_device_ceilings
    from profiler.measure.steady import SteadyRun

    torch.set_num_threads(job.threads)
    if job.ceilings:
        pipe.send(Starting(implementation="", case="", stage="ceilings", limit_s=_CEILINGS_LIMIT_S))
        device = open_device(job.device)
        for ceiling in measure_ceilings(device=job.device, threads=job.threads, process=job.process):
            pipe.send(ceiling)
        if isinstance(device, Accelerator):
            for ceiling in measure_device_ceilings(device, threads=job.threads, process=job.process):
                pipe.send(ceiling)
    run = SteadyRun(job, pipe)
    locations = {planned.name: planned.location for case in job.cases for planned in case.implementations}

    def report(error: BaseException) -> None:
        if not run.now.implementation:
            return  # a fault of convprof itself; the log has it
        source = locations[run.now.implementation].rpartition(":")[0]
        outcome = Outcome(
            implementation=run.now.implementation,
            case=run.now.case,
            device=job.device,
            threads=job.threads,
            phase="unit" if run.now.stage == "unit" else "steady",
            status="raised",
            reason=describe_exception(error, source),
        )
        pipe.send(outcome)

    on_uncaught(report)
    run.run()


def _run_screening(job: ScreenJob, pipe: RecordPipe) -> None:
    import torch

    from profiler.measure.screening import Screening

    torch.set_num_threads(job.threads)
    Screening(job, pipe).run()


def _check_pinning(job: SteadyJob, pipe: RecordPipe) -> None:
    """Tell the reader where the system let a one-thread process move between processors."""
    if not job.processors:
        return
    if not hasattr(os, "sched_getaffinity") or os.sched_getaffinity(0) != set(job.processors):
        text = "one-thread samples could move between processors, because pinning is not permitted here"
        pipe.send(Notice(code="not_pinned", text=text))


if __name__ == "__main__":
    main()
