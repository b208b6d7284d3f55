"""The CPU-sampling worker: `python -m profiler.capture.cpu_sampling_worker`, started by `run_worker`."""

from __future__ import annotations

import contextlib
import gc
import gzip
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import torch

from impls.case import ConvCase
from impls.data import make_data
from profiler.capture.collapse import Interval, collapsed
from profiler.capture.cpu_sampling_protocol import CpuSamplingJob, CpuSamplingTask
from profiler.capture.perf import parse_script, record_command, script_command
from profiler.capture.protocol import DONE
from profiler.isolation import RecordPipe
from profiler.measure.failure import describe_exception, on_uncaught
from profiler.measure.subject import load, prepared
from profiler.records import Sampled, Starting
from profiler.stacks import Stacks
from profiler.store import write_atomically

__all__ = ["main"]

_ALLOWANCE_S = 60.0
_READING_LIMIT_S = 120.0
_ATTACHED_S = 0.3  # from perf's file to its first sample
_ATTACHING_LIMIT_S = 10.0
_LEAST_CALLS = 3
_SLOW_CALL_S = 2.0  # one call of it has samples enough


def main() -> None:
    """Read a job, sample its tasks, write their stacks, and end without running what was registered for the end."""
    pipe = RecordPipe.from_environment()
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=CpuSamplingJob)
    torch.set_num_threads(job.threads)
    worker = _Worker(job, pipe)
    on_uncaught(worker.report)
    with tempfile.TemporaryDirectory() as folder:
        recorded = Path(folder) / "perf.data"
        with _perf(job.rate_hz, recorded):
            intervals = [worker.sampled(task) for task in job.tasks]
        pipe.send(Starting(implementation="", case="", stage="reading", limit_s=_READING_LIMIT_S))
        worker.write(intervals, recorded)
    pipe.end(DONE)


@contextlib.contextmanager
def _perf(rate_hz: int, recorded: Path) -> Iterator[None]:
    """Sample this process while the context lasts, from another processor where there is one."""
    with subprocess.Popen(record_command(os.getpid(), rate_hz, recorded)) as perf:
        if hasattr(os, "sched_setaffinity"):
            # A worker that is pinned hands its processor down to its children, and perf would disturb it there.
            with contextlib.suppress(PermissionError, ProcessLookupError, OSError):
                os.sched_setaffinity(perf.pid, range(os.cpu_count() or 1))
        deadline = time.monotonic() + _ATTACHING_LIMIT_S
        while not recorded.exists() and perf.poll() is None and time.monotonic() < deadline:
            time.sleep(_ATTACHED_S / 10)
        time.sleep(_ATTACHED_S)
        yield
        perf.send_signal(signal.SIGINT)
        perf.wait()


class _Worker:
    """Run one implementation on one case after the other while perf looks on."""

    def __init__(self, job: CpuSamplingJob, pipe: RecordPipe) -> None:
        self._job = job
        self._pipe = pipe
        self._task: CpuSamplingTask | None = None

    def sampled(self, task: CpuSamplingTask) -> Interval:
        """Call an implementation for its seconds and say when; what it does in preparing is not in the interval."""
        self._task = task
        limit_s = _ALLOWANCE_S + task.seconds + 2 * _LEAST_CALLS * self._job.call_limit_s
        self._pipe.send(
            Starting(implementation=task.implementation.name, case=task.case, stage="sample", limit_s=limit_s)
        )
        subject = prepared(
            load(task.implementation), case := ConvCase.parse(task.case), make_data(case, self._job.seed)
        )
        gc.collect()
        gc.disable()
        with subject.context():
            warm = time.monotonic() + task.seconds / 10
            subject.call()
            while time.monotonic() < warm:
                subject.call()
            interval = _called(subject.call, task.seconds)
        gc.enable()
        if torch.get_num_threads() != self._job.threads:
            torch.set_num_threads(self._job.threads)
        self._task = None
        return interval

    def write(self, intervals: list[Interval], recorded: Path) -> None:
        """Write each task's stacks, and tell the parent."""
        command = script_command(recorded)
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="replace"
        ) as script:
            assert script.stdout is not None  # noqa: S101 - Popen was given a pipe
            found = collapsed(parse_script(script.stdout), intervals, threading.get_native_id())
        for task, interval, stacks in zip(self._job.tasks, intervals, found, strict=True):
            content = gzip.compress(msgspec.json.encode(stacks), mtime=0)
            write_atomically(Path(self._job.folder) / task.stacks, content)
            self._pipe.send(self._record(task, interval, stacks))

    def report(self, error: BaseException) -> None:
        """Tell the parent of an exception that ends this process."""
        if self._task is not None:  # else a fault of convprof itself; the log has it
            source = self._task.implementation.location.rpartition(":")[0]
            nothing = Stacks([], [], 0)
            reason = describe_exception(error, source)
            self._pipe.send(self._record(self._task, Interval(0.0, 0.0, 0), nothing, reason))

    def _record(self, task: CpuSamplingTask, interval: Interval, stacks: Stacks, reason: str = "") -> Sampled:
        seconds, count = interval.end - interval.begin, sum(stack.count for stack in stacks.stacks)
        return Sampled(
            implementation=task.implementation.name,
            case=task.case,
            device=self._job.device,
            threads=self._job.threads,
            stacks="" if reason else task.stacks,
            samples=count,
            rate_hz=self._job.rate_hz,
            calls=interval.calls,
            seconds=seconds,
            reason=reason,
        )


def _called(call: object, seconds: float) -> Interval:
    assert callable(call)  # noqa: S101 - a prepared subject
    calls, begin = 0, time.clock_gettime(time.CLOCK_MONOTONIC)
    while True:
        call()
        calls += 1
        now = time.clock_gettime(time.CLOCK_MONOTONIC)
        if now - begin >= seconds and (calls >= _LEAST_CALLS or now - begin >= _SLOW_CALL_S):
            return Interval(begin, now, calls)


if __name__ == "__main__":
    main()
