"""Runs a worker in its own process, hears its records, and says how it ended, whatever it did.

The parent gives a job as JSON on the worker's standard input; the worker writes records to a pipe of its own, so that
what an implementation prints disturbs nothing. Silence beyond the limit of the last `Starting` counts as a hang.

Whom to blame for a death is read from a small shared file: a write there wakes nobody, so a worker can mark what it
does next right before a timed block, where a record on the pipe would let the parent run beside it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, NoReturn

import msgspec

from profiler.records import AnyRecord, Starting, decode, encode

__all__ = ["Ending", "RecordPipe", "describe_exit", "end_with_parent", "run_worker"]

_RECORDS_VARIABLE = "CONVPROF_RECORDS_FD"
_MARK_VARIABLE = "CONVPROF_MARK_FD"
_PARENT_VARIABLE = "CONVPROF_PARENT"
_START_LIMIT_S = 120.0  # interpreter and library imports on a cold disk
_LOOK_INTERVAL_S = 0.2  # how often a silent worker is looked after
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass(frozen=True)
class Ending:
    """Say how a worker ended; `blamed` is the last thing it had started, None when it had started nothing.

    A worker that was ended by code it ran, with exit code 0, is `finished` as well: let a worker start a stage of its
    own last, and look for it in `blamed`.
    """

    kind: Literal["finished", "exited", "crashed", "hung"]
    detail: str
    blamed: Starting | None


def describe_exit(return_code: int) -> tuple[Literal["finished", "exited", "crashed"], str]:
    """Put a process's return code (negative: a signal, as subprocess has it) into words."""
    if return_code == 0:
        return "finished", ""
    if return_code < 0:
        try:
            name = signal.Signals(-return_code).name
        except ValueError:
            name = f"signal {-return_code}"
        return "crashed", f"killed by {name}"
    return "exited", f"exited with code {return_code}"


class RecordPipe:
    """The worker's end: send records to the parent."""

    def __init__(self, descriptor: int, mark_descriptor: int | None = None) -> None:
        self._descriptor = descriptor
        self._mark_descriptor = mark_descriptor

    @classmethod
    def from_environment(cls) -> RecordPipe:
        """Open what `run_worker` handed down, and end this process when the parent ends.

        A KeyError here means that the worker was started by hand.
        """
        descriptors = int(os.environ[_RECORDS_VARIABLE]), int(os.environ[_MARK_VARIABLE])
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)  # a program that an implementation starts must not hold the pipe open
        end_with_parent(int(os.environ[_PARENT_VARIABLE] or os.getppid()))
        return cls(*descriptors)

    def send(self, record: AnyRecord) -> None:
        """Send one record, whole; a `Starting` is marked as well."""
        if isinstance(record, Starting):
            self.mark(record)
        line = memoryview(encode(record))
        while line:
            line = line[os.write(self._descriptor, line) :]

    def mark(self, starting: Starting) -> None:
        """Note what is done next without waking the parent, for the case that this process does not survive it.

        The limit of silence stays that of the last `Starting` that was sent.
        """
        if self._mark_descriptor is not None:
            os.pwrite(self._mark_descriptor, encode(starting), 0)

    def end(self, done: Starting) -> NoReturn:
        """Say that all is done, and end this process without what an implementation may have registered for the end."""
        self.send(done)
        sys.stdout.flush()
        os._exit(0)


def end_with_parent(parent: int) -> None:
    """Let the kernel kill this process when `parent`, the process that started it, dies; does nothing but on Linux.

    A worker in a hang would outlive a killed convprof and load the machine. Source: prctl(2), PR_SET_PDEATHSIG.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the kernel was told
        os._exit(1)


def run_worker(
    module: str,
    job: bytes,
    *,
    on_record: Callable[[AnyRecord], None],
    log: Path,
    environment: Mapping[str, str] | None = None,
    processors: set[int] | None = None,
    under: Sequence[str] = (),
) -> Ending:
    """Run `python -m module` on a job until it ends or goes silent for too long, and say how it ended.

    `environment` is added to the parent's; `processors` pins the worker where that is permitted; `under` is a program
    with its arguments that starts the worker and must hand down its standard input and what else is open. `Starting`
    records set the limit of the silence that follows and are not passed on; all others go to `on_record` as they come.
    A KeyboardInterrupt or any other exception kills the worker first.
    """
    read_end, write_end = os.pipe()
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, read_end)
        marks = stack.enter_context(tempfile.TemporaryFile(buffering=0))
        try:
            process = _started([*under, *_command(module)], log, _handed_down(environment, under), write_end, marks)
        finally:
            os.close(write_end)
        stack.callback(_kill_group, process)
        if processors:
            _pin(process.pid, processors)
        _give(process, job)
        last, hung = _listen(process, read_end, on_record)
        if hung:
            _kill_group(process)
            return Ending("hung", f"no sign of life for {_limit(last):.3g} s", _marked(marks) or last)
        kind, detail = describe_exit(process.wait())
        return Ending(kind, detail, _marked(marks) or last)


def _command(module: str) -> list[str]:
    # -P: a numpy.py or random.py in the user's folder must not stand in for the library.
    return [sys.executable, "-P", "-m", module]


def _handed_down(environment: Mapping[str, str] | None, under: Sequence[str]) -> dict[str, str]:
    """Add whose end ends the worker: '' for the program that it runs under, whose number is not known yet."""
    return {**(environment or {}), _PARENT_VARIABLE: "" if under else str(os.getpid())}


def _started(
    command: Sequence[str], log: Path, environment: Mapping[str, str], write_end: int, marks: IO[bytes]
) -> subprocess.Popen[bytes]:
    variables = {
        **os.environ,
        **environment,
        _RECORDS_VARIABLE: str(write_end),
        _MARK_VARIABLE: str(marks.fileno()),
    }
    with log.open("ab") as log_file:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=log_file,
            stderr=log_file,
            env=variables,
            pass_fds=(write_end, marks.fileno()),
            start_new_session=True,  # Ctrl-C reaches the parent alone, which then ends the whole group
        )


def _pin(pid: int, processors: set[int]) -> None:
    if hasattr(os, "sched_setaffinity"):
        # Pinning is an aid: containers may forbid it, and a worker that died is reported as such.
        with contextlib.suppress(PermissionError, ProcessLookupError):
            os.sched_setaffinity(pid, processors)


def _give(process: subprocess.Popen[bytes], job: bytes) -> None:
    assert process.stdin is not None  # noqa: S101 - Popen was given a pipe
    # Where it died before reading, its exit code says how.
    with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
        pipe.write(job)


def _listen(
    process: subprocess.Popen[bytes], read_end: int, on_record: Callable[[AnyRecord], None]
) -> tuple[Starting | None, bool]:
    """Pass records on until the worker ends or falls silent; return what was last started, and whether it hung.

    The pipe's end alone does not tell: a process that the worker left behind may hold it open.
    """
    last: Starting | None = None
    pending = b""
    heard = time.monotonic()
    with selectors.DefaultSelector() as selector:
        selector.register(read_end, selectors.EVENT_READ)
        while True:
            ended = process.poll() is not None
            silence_left = heard + _limit(last) - time.monotonic()
            if not selector.select(timeout=0.0 if ended else max(0.0, min(silence_left, _LOOK_INTERVAL_S))):
                if ended or silence_left <= 0:
                    return last, not ended
                continue
            chunk = os.read(read_end, 1 << 16)
            heard = time.monotonic()
            if not chunk:
                return last, not _ends_within(process, _limit(last))
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                record = _decoded(line)
                if isinstance(record, Starting):
                    last = record
                elif record is not None:
                    on_record(record)


def _ends_within(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _decoded(line: bytes) -> AnyRecord | None:
    """Read a line; None for one that a dying process cut, or that was written by something else than a worker."""
    try:
        return decode(line)
    except msgspec.DecodeError:
        return None


def _marked(marks: IO[bytes]) -> Starting | None:
    record = _decoded(os.pread(marks.fileno(), 1 << 16, 0).split(b"\n")[0])
    return record if isinstance(record, Starting) else None


def _limit(last: Starting | None) -> float:
    return last.limit_s if last is not None else _START_LIMIT_S


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """End the worker and whatever it started; do nothing to a group that is gone."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
