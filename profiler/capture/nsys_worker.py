"""The worker under Nsight Systems: `nsys profile ... python -m profiler.capture.nsys_worker`.

torch's profiler stays off: CUPTI, from which both take what a GPU does, serves one of them at a time.
"""

from __future__ import annotations

import ctypes
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import msgspec
import torch

from impls.case import ConvCase
from impls.data import make_data
from profiler.capture.nsys_protocol import ENDED, NsysJob, NsysTask
from profiler.capture.ranges import LabelledRange
from profiler.isolation import RecordPipe
from profiler.labels import CallLabel
from profiler.measure.failure import describe_exception, on_uncaught
from profiler.measure.subject import Subject, load, prepared
from profiler.records import NsysCaptured, Starting

__all__ = ["main"]

_ALLOWANCE_S = 60.0
_CALLS_IN_LIMIT = 10
_SEVERAL_CALLS = 5
_QUICK_CALL_S = 0.02


def main() -> None:
    """Read a job, do its tasks, and end by C's exit.

    In it nsys's library hands over what it still holds, which is the last ranges; what an implementation registered
    with Python for the end does not run.
    """
    pipe = RecordPipe.from_environment()
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=NsysJob)
    torch.set_num_threads(job.threads)
    worker = _Worker(job, pipe)
    on_uncaught(worker.report)
    for task in job.tasks:
        worker.carry_out(task)
    pipe.send(ENDED)
    sys.stdout.flush()
    ctypes.CDLL(None).exit(0)


class _Worker:
    """Call one implementation on one case after the other, each call in a range of its own."""

    def __init__(self, job: NsysJob, pipe: RecordPipe) -> None:
        self._job = job
        self._pipe = pipe
        self._task: NsysTask | None = None

    def carry_out(self, task: NsysTask) -> None:
        """Do one task and tell the parent."""
        self._task = task
        limit_s = _ALLOWANCE_S + _CALLS_IN_LIMIT * self._job.call_limit_s
        name = task.implementation.name
        self._pipe.send(Starting(implementation=name, case=task.case, stage="nsys", limit_s=limit_s))
        case = ConvCase.parse(task.case)
        subject = prepared(load(task.implementation), case, make_data(case, self._job.seed))
        calls = _SEVERAL_CALLS if task.seconds_per_call < _QUICK_CALL_S else 1
        _call(subject, [LabelledRange(CallLabel(name, case.name, number)) for number in range(calls)])
        self._tell(task, calls)
        self._task = None

    def report(self, error: BaseException) -> None:
        """Tell the parent of an exception that ends this process."""
        if self._task is not None:  # else a fault of convprof itself; the log has it
            source = self._task.implementation.location.rpartition(":")[0]
            self._tell(self._task, 0, describe_exception(error, source))

    def _tell(self, task: NsysTask, calls: int, reason: str = "") -> None:
        self._pipe.send(
            NsysCaptured(
                implementation=task.implementation.name,
                case=task.case,
                device=self._job.device,
                threads=self._job.threads,
                report="" if reason else self._job.report,
                calls=calls,
                ranges=0,
                reason=reason,
            )
        )


def _call(subject: Subject, ranges: list[LabelledRange]) -> None:
    """Call once without a range, to warm up, then once in each; what a GPU was asked for ends within its range.

    On a GPU torch marks its operators too, in NVTX's default domain; a build without CUDA refuses to.
    """
    synchronize = torch.accelerator.synchronize if torch.accelerator.is_available() else _nothing
    marking: AbstractContextManager[Any] = nullcontext()
    if torch.cuda.is_available():
        marking = torch.autograd.profiler.emit_nvtx()  # type: ignore[no-untyped-call]
    with subject.context(), marking:
        if len(ranges) > 1:
            subject.call()
            synchronize()
        for labelled in ranges:
            with labelled:
                subject.call()
                synchronize()


def _nothing() -> None:
    pass


if __name__ == "__main__":
    main()
