"""The capture worker: `python -m profiler.capture.worker`, started by `profiler.isolation.run_worker`."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import torch

from impls.case import ConvCase
from impls.cuda.resources import loaded_resources
from profiler.capture.counting import count_calls, operators_in, prepared_twice
from profiler.capture.limits import expected_events
from profiler.capture.protocol import DONE, CaptureJob, CaptureTask
from profiler.capture.state import describe_changes, restore, snapshot
from profiler.capture.torch_profiler import record_calls
from profiler.isolation import RecordPipe
from profiler.labels import CallLabel
from profiler.measure.device import open_device
from profiler.measure.failure import describe_exception, on_uncaught
from profiler.measure.subject import load
from profiler.records import Captured, LoadedKernel, Notice, Starting
from profiler.store import write_atomically

__all__ = ["main"]

_ALLOWANCE_S = 60.0  # imports, compilers, and what counting may take
_CALLS_IN_LIMIT = 10  # of the slowest call there may be: passes over it, some of them slower than a plain call
_SEVERAL_CALLS = 5
_QUICK_CALL_S = 0.02
_SMALL_TRACE = 20_000  # events; beyond, several calls and the shapes of operators would only make it slow to open


def main() -> None:
    """Read a job, do it, and end without running what an implementation may have registered for the end."""
    pipe = RecordPipe.from_environment()
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=CaptureJob)
    torch.set_num_threads(job.threads)
    worker = _Worker(job, pipe)
    on_uncaught(worker.report)
    for task in job.tasks:
        worker.carry_out(task)
    pipe.end(DONE)


class _Worker:
    """Count and record one implementation on one case after the other."""

    def __init__(self, job: CaptureJob, pipe: RecordPipe) -> None:
        self._job = job
        self._pipe = pipe
        self._folder = Path(job.folder)
        self._task: CaptureTask | None = None

    def carry_out(self, task: CaptureTask) -> None:
        """Do one task, leaving its files and the process's global state as it was."""
        self._task = task
        before = snapshot()
        trace, calls, reason = self._captured(task)
        self._mend_state(task, before)
        self._pipe.send(self._record(task, trace, calls, reason))
        self._task = None

    def report(self, error: BaseException) -> None:
        """Tell the parent of an exception that ends this process."""
        if self._task is not None:  # else a fault of convprof itself; the log has it
            source = self._task.implementation.location.rpartition(":")[0]
            self._pipe.send(self._record(self._task, "", 0, describe_exception(error, source)))

    def _captured(self, task: CaptureTask) -> tuple[str, int, str]:
        """Count, then record; give the trace's path, its calls, and why there is none."""
        case = ConvCase.parse(task.case)
        self._start(task, "load")
        implementation = load(task.implementation)
        self._start(task, "prepare")
        device = open_device(self._job.device)
        prepared = prepared_twice(implementation, case, self._job.seed, device)
        units = [prepared_twice(implementation, ConvCase.parse(unit), self._job.seed, device) for unit in task.units]
        self._start(task, "count")
        counts = count_calls(prepared, units, task.seconds_per_call)
        write_atomically(self._folder / task.counts, msgspec.json.format(msgspec.json.encode(counts)))
        operators = operators_in(counts[0])
        if operators is None:
            return "", 0, counts[0].reason
        self._start(task, "record")
        several = task.seconds_per_call < _QUICK_CALL_S and expected_events(operators, _SEVERAL_CALLS) < _SMALL_TRACE
        calls = _SEVERAL_CALLS if several else 1
        labels = [CallLabel(implementation.name, case.name, number) for number in range(calls)]
        detailed = expected_events(operators, calls) < _SMALL_TRACE
        source = implementation.device_events
        record_calls(prepared.seen, labels, self._folder / task.trace, detailed=detailed, source=source)
        return task.trace, calls, counts[0].reason

    def _mend_state(self, task: CaptureTask, before: dict[str, object]) -> None:
        changes = describe_changes(before, snapshot())
        if changes:
            restore(before)
            text = f"{task.implementation.name} changed the state of its process: {', '.join(changes)}"
            self._pipe.send(Notice(code="state_changed", text=text))

    def _start(self, task: CaptureTask, stage: str) -> None:
        limit_s = _ALLOWANCE_S + _CALLS_IN_LIMIT * self._job.call_limit_s
        starting = Starting(implementation=task.implementation.name, case=task.case, stage=stage, limit_s=limit_s)
        self._pipe.send(starting)

    def _record(self, task: CaptureTask, trace: str, calls: int, reason: str) -> Captured:
        return Captured(
            implementation=task.implementation.name,
            case=task.case,
            device=self._job.device,
            threads=self._job.threads,
            trace=trace,
            counts=task.counts if (self._folder / task.counts).is_file() else "",
            calls=calls,
            reason=reason,
            kernels=_loaded_kernels(),
        )


def _loaded_kernels() -> tuple[LoadedKernel, ...]:
    return tuple(
        LoadedKernel(
            kernel=each.kernel,
            registers=each.registers,
            shared_bytes=each.shared_bytes,
            local_bytes=each.local_bytes,
        )
        for each in loaded_resources()
    )


if __name__ == "__main__":
    main()
