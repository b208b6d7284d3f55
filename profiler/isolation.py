"""Runs a worker in its own process, hears its records, and says how it ended, whatever it did.

The parent gives a job as JSON on the worker's standard input; the worker writes records to a pipe of its own, so that
what an implementation prints disturbs nothing. Silence beyond the limit of the last `Starting` counts as a hang.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from profiler.records import AnyRecord, Starting, decode, encode

__all__ = ["Ending", "RecordPipe", "describe_exit", "run_worker"]

_DESCRIPTOR_VARIABLE = "CONVPROF_RECORDS_FD"
_START_LIMIT_S = 120.0  # interpreter and library imports on a cold disk


@dataclass(frozen=True)
class Ending:
    """Say how a worker ended; `blamed` is the last thing it had started, None when it had started nothing."""

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

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def from_environment(cls) -> RecordPipe:
        """Open the pipe that `run_worker` handed down; a KeyError here means the worker was started by hand."""
        return cls(int(os.environ[_DESCRIPTOR_VARIABLE]))

    def send(self, record: AnyRecord) -> None:
        """Send one record, whole."""
        line = memoryview(encode(record))
        while line:
            line = line[os.write(self._descriptor, line) :]


def run_worker(
    module: str,
    job: bytes,
    *,
    on_record: Callable[[AnyRecord], None],
    log: Path,
    environment: Mapping[str, str] | None = None,
    processors: set[int] | None = None,
) -> Ending:
    """Run `python -m module` on a job until it ends or goes silent for too long, and say how it ended.

    `environment` is added to the parent's; `processors` pins the worker where that is permitted. `Starting` records set
    the limit of the silence that follows and are not passed on; all others go to `on_record` as they come. A
    KeyboardInterrupt or any other exception kills the worker first.
    """
    read_end, write_end = os.pipe()
    variables = {**os.environ, **(environment or {}), _DESCRIPTOR_VARIABLE: str(write_end)}
    with log.open("ab") as log_file:
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=log_file,
            stderr=log_file,
            env=variables,
            pass_fds=(write_end,),
            start_new_session=True,  # Ctrl-C reaches the parent alone, which then ends the whole group
        )
    os.close(write_end)
    try:
        if processors:
            _pin(process.pid, processors)
        _give(process, job)
        blamed, hung = _listen(read_end, on_record)
        if hung:
            _kill_group(process)
            return Ending("hung", f"no sign of life for {_seconds(blamed)} s", blamed)
        kind, detail = describe_exit(process.wait())
        return Ending(kind, detail, blamed)
    finally:
        _kill_group(process)
        os.close(read_end)


def _pin(pid: int, processors: set[int]) -> None:
    if hasattr(os, "sched_setaffinity"):
        try:
            os.sched_setaffinity(pid, processors)
        except (PermissionError, ProcessLookupError):
            return  # pinning is an aid: containers may forbid it, and a worker that died is reported as such


def _give(process: subprocess.Popen[bytes], job: bytes) -> None:
    assert process.stdin is not None  # noqa: S101 - Popen was given a pipe
    try:
        process.stdin.write(job)
        process.stdin.close()
    except BrokenPipeError:
        return  # it died before reading; its exit code says how


def _listen(read_end: int, on_record: Callable[[AnyRecord], None]) -> tuple[Starting | None, bool]:
    """Pass records on until the pipe closes or falls silent; return what was last started, and whether it hung."""
    last: Starting | None = None
    pending = b""
    heard = time.monotonic()
    with selectors.DefaultSelector() as selector:
        selector.register(read_end, selectors.EVENT_READ)
        while True:
            limit = last.limit_s if last is not None else _START_LIMIT_S
            if not selector.select(timeout=max(0.0, heard + limit - time.monotonic())):
                return last, True
            chunk = os.read(read_end, 1 << 16)
            heard = time.monotonic()
            if not chunk:
                return last, False
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                record = decode(line)
                if isinstance(record, Starting):
                    last = record
                else:
                    on_record(record)


def _seconds(blamed: Starting | None) -> str:
    return f"{blamed.limit_s if blamed is not None else _START_LIMIT_S:g}"


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """End the worker and whatever it started; do nothing to a group that is gone."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
