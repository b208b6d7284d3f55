"""Cold starts: each implementation's first calls in a child of a process that has imported the libraries and no more.

A child is a fork, so it costs milliseconds where an import costs seconds, and it dies alone. Nothing has been computed
before the fork: no thread pool is running that a fork would break, and no cache is warm but the operating system's.
"""

from __future__ import annotations

import mmap
import os
import signal
import time
from typing import TYPE_CHECKING, Any, NoReturn

from impls.case import ConvCase
from impls.errors import UserFunctionError
from profiler.isolation import RecordPipe, describe_exit, end_with_parent
from profiler.measure.device import CPU, NOT_ON_DEVICE, open_device
from profiler.measure.failure import describe_exception, on_uncaught
from profiler.measure.limits import CHECKING_ALLOWANCE_S, LOADING_ALLOWANCE_S, PREPARING_ALLOWANCE_S
from profiler.measure.protocol import Attempt, ColdJob
from profiler.records import ALGORITHM_CHOICE, ColdStage, Outcome, Starting, Status

if TYPE_CHECKING:  # importing these imports NumPy, whose import is timed here
    from impls.contract import ErrorBound, Implementation
    from impls.data import Data

__all__ = ["import_libraries", "run_cold"]

# What the child does, as the zygote reads it in the shared page when the child dies.
_STEPS = (
    "while loading",
    "while preparing",
    "in its first call",
    "in its second call",
    "while being checked",
    "while ending",
)
_LOADING, _PREPARING, _FIRST_CALL, _SECOND_CALL, _CHECKING, _REPORTED = range(len(_STEPS))
_LOOK_INTERVAL_S = 0.1
_HUNG = 1000  # no exit code reaches it
_DEVICE_START_LIMIT_S = 120.0
_ALLOWANCE_S = {_LOADING: LOADING_ALLOWANCE_S, _PREPARING: PREPARING_ALLOWANCE_S, _CHECKING: CHECKING_ALLOWANCE_S}


def import_libraries() -> float:
    """Import NumPy and torch, and give the seconds it took; an earlier import in this process makes them few."""
    start = time.perf_counter_ns()
    import numpy  # noqa: F401
    import torch  # noqa: F401

    return (time.perf_counter_ns() - start) / 1e9


def run_cold(job: ColdJob, pipe: RecordPipe) -> None:
    """Import the libraries, then make every attempt in a child of its own, one after the other."""
    seconds = import_libraries()
    pipe.send(_stage(job, "", "", "import", seconds))
    import profiler.measure.subject  # noqa: F401 - once, not in each child; it computes nothing

    if job.device != CPU and job.attempts:
        _start_device(job, pipe)

    longest = sum(_limit(step, job) for step in range(_REPORTED))
    page = mmap.mmap(-1, mmap.PAGESIZE)
    failed: set[str] = set()
    for attempt in job.attempts:
        name = attempt.implementation.name
        if attempt.phase == "unit" and name in failed:
            continue
        pipe.send(Starting(implementation=name, case=attempt.case, stage=attempt.phase, limit_s=2 * longest))
        page[0], page[1] = _LOADING, False
        pid = os.fork()
        if pid == 0:
            _be_child(job, attempt, pipe, page)
        code = _wait(pid, page, job)
        if page[0] != _REPORTED:
            status, reason = _verdict(code, page[0], job)
            pipe.send(_outcome(job, attempt, status, reason))
        if attempt.phase == "check" and not page[1]:
            failed.add(name)


def _start_device(job: ColdJob, pipe: RecordPipe) -> None:
    """Take the first steps on the device apart, in a child that calls no implementation; its death costs no more."""
    from profiler.measure.device_start import start_device

    pipe.send(Starting(implementation="", case="", stage="device start", limit_s=_DEVICE_START_LIMIT_S))
    pid = os.fork()
    if pid == 0:
        end_with_parent(os.getppid())
        case = job.attempts[0].case
        for stage, seconds in start_device(job.device, ConvCase.parse(case)).items():
            pipe.send(_stage(job, "", case if stage == ALGORITHM_CHOICE else "", stage, seconds))
        os._exit(0)
    os.waitpid(pid, 0)


def _be_child(job: ColdJob, attempt: Attempt, pipe: RecordPipe, page: mmap.mmap) -> NoReturn:
    def report(error: BaseException) -> None:
        source = attempt.implementation.location.rpartition(":")[0]
        pipe.send(_outcome(job, attempt, "raised", describe_exception(error, source)))
        page[0] = _REPORTED

    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    end_with_parent(os.getppid())
    on_uncaught(report)
    page[1] = _Child(job, attempt, pipe, page).run()
    page[0] = _REPORTED
    os._exit(0)


class _Child:
    """Make one attempt; what it does now stands in the shared page, where its parent watches the time it takes."""

    def __init__(self, job: ColdJob, attempt: Attempt, pipe: RecordPipe, page: mmap.mmap) -> None:
        self._job = job
        self._attempt = attempt
        self._pipe = pipe
        self._page = page

    def run(self) -> bool:
        """Make the attempt and report it; False where the implementation failed."""
        import torch

        from impls.contract import kind_of
        from impls.data import make_data
        from profiler.measure.subject import load

        self._step(_LOADING)
        torch.set_num_threads(1)
        case = ConvCase.parse(self._attempt.case)
        data = make_data(case, self._job.seed)
        try:
            implementation = load(self._attempt.implementation)
        except UserFunctionError as error:
            return self._refuse("missing", str(error))
        if kind_of(self._job.device) not in implementation.devices:
            return self._refuse("unavailable", NOT_ON_DEVICE.format(self._job.device))
        answer = implementation.available(case)
        if not answer.available:  # a reader's file is loaded here for the first time, and may be for other cases
            return self._refuse("unavailable", answer.reason)
        stages, outcome = self._timed(implementation, case, data)
        self._report(stages, outcome)
        return outcome.status == "ok"

    def _refuse(self, status: Status, reason: str) -> bool:
        self._pipe.send(_outcome(self._job, self._attempt, status, reason))
        return False

    def _timed(self, implementation: Implementation, case: ConvCase, data: Data) -> tuple[dict[str, float], Outcome]:
        from profiler.measure.subject import prepared

        self._step(_PREPARING)
        device, stages = open_device(self._job.device), {}
        start = time.perf_counter_ns()
        device.synchronize()
        if device.name != CPU:
            stages["context"] = _since(start)
        start = time.perf_counter_ns()
        subject = prepared(implementation, case, data, device=device)
        stages["prepare"] = _since(start)
        with subject.context():
            self._step(_FIRST_CALL)
            wall = time.time()  # as the article times its listings
            start = time.perf_counter_ns()
            output = subject.call()
            stages["article_time"] = time.time() - wall  # it waits for no device
            device.synchronize()
            stages["first_call"] = _since(start)
            outcome = self._judged(case, data, output, implementation.error_bound)
            if outcome.status != "ok":
                return stages, outcome
            self._step(_SECOND_CALL)
            start = time.perf_counter_ns()
            output = subject.call()
            device.synchronize()
            stages["second_call"] = _since(start)
            # The inputs are the implementation's own copies: one that writes to them, or keeps a state, differs now.
            return stages, self._judged(case, data, output, implementation.error_bound, stages)

    def _report(self, stages: dict[str, float], outcome: Outcome) -> None:
        phase = self._attempt.phase
        if phase != "unit" and outcome.status == "ok":
            name, case = self._attempt.implementation.name, self._attempt.case
            for stage, seconds in stages.items():
                self._pipe.send(_stage(self._job, name, case, stage, seconds))
        if phase != "cold":
            self._pipe.send(outcome)

    def _judged(
        self, case: ConvCase, data: Data, output: Any, kind: ErrorBound, stages: dict[str, float] | None = None
    ) -> Outcome:
        """Compare with the oracle within a bound of this kind; `stages` are given with the second output."""
        from impls.reference import check

        if self._attempt.phase == "cold":
            return _outcome(self._job, self._attempt, "ok", "")
        self._step(_CHECKING)
        result = check(case, output, data.image, data.weight, data.bias, kind=kind)
        second_fails = stages is not None and not result.correct
        return Outcome(
            implementation=self._attempt.implementation.name,
            case=self._attempt.case,
            device=self._job.device,
            threads=1,
            phase=self._attempt.phase,
            status="ok" if result.correct else "wrong",
            reason=f"the second call on the same inputs: {result.reason}" if second_fails else result.reason,
            max_error=result.max_error,
            error_bound=result.error_bound,
            seconds_per_call=min(stages["first_call"], stages["second_call"]) if stages is not None else None,
        )

    def _step(self, step: int) -> None:
        self._page[0] = step


def _limit(step: int, job: ColdJob) -> float:
    return job.call_limit_s + _ALLOWANCE_S.get(step, 0.0)


def _wait(pid: int, page: mmap.mmap, job: ColdJob) -> int:
    """Wait for a child and give its code as subprocess has it; kill it where one step takes longer than its limit.

    The child cannot be left to watch itself: no Python code of it runs while it hangs in a C function.
    """
    step, since = page[0], time.monotonic()
    hung = False

    def look(*_: object) -> None:
        nonlocal step, since, hung
        now = time.monotonic()
        if page[0] != step:
            step, since = page[0], now
        elif now - since > _limit(step, job):
            hung = True
            os.kill(pid, signal.SIGKILL)

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, _LOOK_INTERVAL_S, _LOOK_INTERVAL_S)
    _, status = os.waitpid(pid, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)
    return _HUNG if hung else os.waitstatus_to_exitcode(status)


def _verdict(code: int, step: int, job: ColdJob) -> tuple[Status, str]:
    doing = _STEPS[step]
    if code == _HUNG:
        return "hung", f"no answer within {_limit(step, job):g} s {doing}; raise --call-limit if it needs longer"
    kind, detail = describe_exit(code)
    if kind == "crashed":
        return "crashed", f"{detail} {doing}"
    return "exited", f"ended its process with exit code {code} {doing}"


def _outcome(job: ColdJob, attempt: Attempt, status: Status, reason: str) -> Outcome:
    return Outcome(
        implementation=attempt.implementation.name,
        case=attempt.case,
        device=job.device,
        threads=1,
        phase=attempt.phase,
        status=status,
        reason=reason,
    )


def _stage(job: ColdJob, implementation: str, case: str, stage: str, seconds: float) -> ColdStage:
    return ColdStage(
        implementation=implementation,
        case=case,
        device=job.device,
        threads=1,
        process=job.process,
        stage=stage,
        seconds=seconds,
    )


def _since(start: int) -> float:
    return (time.perf_counter_ns() - start) / 1e9
