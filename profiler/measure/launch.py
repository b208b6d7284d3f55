"""Starts one worker process under the conditions of a measurement."""

from __future__ import annotations

import random
from collections.abc import Mapping

from profiler.environment import usable_processors
from profiler.errors import WorkerError
from profiler.isolation import Ending, run_worker
from profiler.measure.ledger import Ledger
from profiler.measure.protocol import DONE, Job, encode_job
from profiler.records import Outcome, Status
from profiler.store import RunDirectory

__all__ = ["blame", "is_complete", "launch", "processors_for", "thread_variables", "unexplained"]

_WORKER = "profiler.measure.worker"
_LARGEST_PADDING = 4096


def processors_for(threads: int) -> set[int]:
    """Give the processor that a one-thread worker is pinned to: the last, since interrupts mostly go to the first."""
    usable = usable_processors()
    return {max(usable)} if threads == 1 and len(usable) > 1 else set()


def thread_variables(threads: int) -> dict[str, str]:
    """Give the variables that tell every threading library how many threads to start with."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    return {name: str(threads) for name in names}


def launch(
    run: RunDirectory,
    ledger: Ledger,
    job: Job,
    threads: int,
    generator: random.Random,
    environment: Mapping[str, str] | None = None,
) -> Ending:
    """Run a worker on a job; its records go to the ledger as they come.

    `environment` adds variables, such as those of a switch. The environment's size is random, because it moves the
    stack and with it every alignment that depends on it:
    Mytkowicz et al., "Producing Wrong Data Without Doing Anything Obviously Wrong!", ASPLOS 2009.
    """
    variables = {**thread_variables(threads), **(environment or {})}
    variables["CONVPROF_PADDING"] = "x" * generator.randrange(_LARGEST_PADDING)
    return run_worker(
        _WORKER,
        encode_job(job),
        on_record=ledger.add,
        log=run.log_path(f"measure-{job.process}"),
        environment=variables,
        processors=processors_for(threads),
    )


def is_complete(ending: Ending) -> bool:
    """Say whether a worker did all of its job."""
    return ending.blamed is not None and ending.blamed.stage == DONE.stage


def blame(ledger: Ledger, ending: Ending, device: str, threads: int, phase: str) -> bool:
    """Write down that the implementation which was running ended its worker; False where none was running.

    One that raised has said so itself before it died.
    """
    blamed = ending.blamed
    if blamed is None or not blamed.implementation:
        return False
    phase = "unit" if blamed.stage == "unit" else phase
    known = ledger.outcome(blamed.implementation, blamed.case, threads)
    if phase == "unit":
        known = ledger.unit_outcome(blamed.implementation, blamed.case)
    if known is not None and known.status == "raised":
        return True
    status: dict[str, Status] = {"finished": "exited", "exited": "exited", "crashed": "crashed", "hung": "hung"}
    detail = ending.detail or "ended its process with exit code 0"
    ledger.add(
        Outcome(
            implementation=blamed.implementation,
            case=blamed.case,
            device=device,
            threads=threads,
            phase=phase,
            status=status[ending.kind],
            reason=f"{detail} while being measured",
        )
    )
    return True


def _last_words(run: RunDirectory, process: int) -> str:
    """Give the last line a worker wrote to its log."""
    lines = run.log_path(f"measure-{process}").read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "its log is empty"


def unexplained(run: RunDirectory, process: int, ending: Ending) -> WorkerError:
    """Make the error of a worker that ended early, and no implementation can be blamed for it."""
    detail = ending.detail or "exited with code 0"
    return WorkerError(
        f"a worker process ended ({detail}) while no implementation was running: {_last_words(run, process)}; "
        f"`convprof doctor` says what is missing, `convprof analyze --resume {run.path}` goes on from what was measured"
    )
