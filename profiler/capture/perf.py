"""Linux's own sampling profiler: whether it may be used here, how it is started, and what it writes.

Source: perf-record(1), perf-script(1); Documentation/admin-guide/sysctl/kernel.rst (perf_event_paranoid).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from profiler.stacks import JIT, KERNEL, VDSO, Frame

__all__ = ["PerfSample", "parse_script", "record_command", "script_command", "why_not"]

_PARANOID = Path("/proc/sys/kernel/perf_event_paranoid")
_MOST_PARANOID = 1  # beyond it the kernel's own work, page faults among it, stays unseen without privileges
_TRIAL_LIMIT_S = 20.0
# Stacks are unwound from a copy of their innermost part: these libraries keep no frame pointers. 4 KiB reach from any
# leaf to the operator that it works for, which is what rules ask.
_STACK_BYTES = 4096
_LONGEST_SYMBOL = 240
# Not files that are opened here, but what the kernel and perf call memory that holds code and is no library.
_GENERATED = ("//anon", "/anon_hugepage", "/memfd:", "/dev/zero", "anon_inode:", "/tmp/perf-", "[heap]", "[stack]")  # noqa: S108


@dataclass(frozen=True)
class PerfSample:
    """Hold one sample: the thread, the moment in seconds of CLOCK_MONOTONIC, and its frames, the innermost first."""

    thread: int
    moment: float
    frames: tuple[Frame, ...]


def why_not(paranoid: Path = _PARANOID) -> str:
    """Say why CPU samples cannot be taken here, and the remedy; '' where they can."""
    if sys.platform != "linux":
        return "CPU samples need Linux's perf"
    if shutil.which("perf") is None:
        return "perf is not installed; install it (Debian: apt install linux-perf)"
    level = _level(paranoid)
    if level > _MOST_PARANOID and os.geteuid() != 0:
        return (
            f"kernel.perf_event_paranoid is {level}, which hides the kernel's work; sysctl kernel.perf_event_paranoid=1"
        )
    with tempfile.TemporaryDirectory() as folder:
        command = ["perf", "record", "-q", "-e", "cpu-clock", "-o", str(Path(folder) / "trial"), "--", "true"]
        try:
            trial = subprocess.run(command, capture_output=True, text=True, timeout=_TRIAL_LIMIT_S, check=False)
        except subprocess.TimeoutExpired:
            return f"perf record takes more than {_TRIAL_LIMIT_S:g} s for nothing; look whether this host is overloaded"
    if trial.returncode:
        last = (trial.stderr.strip().splitlines() or ["no message"])[-1]
        return f"perf record fails ({last}); in a container, allow the system call perf_event_open"
    return ""


def _level(paranoid: Path) -> int:
    try:
        return int(paranoid.read_text())
    except (OSError, ValueError):
        return 0  # a kernel without the setting; the trial tells


def record_command(process: int, rate_hz: int, output: Path) -> list[str]:
    """Give the command that samples a process and its threads until it is interrupted."""
    return [
        *("perf", "record", "--quiet", "--event", "cpu-clock", "--freq", str(rate_hz)),
        *("--call-graph", f"dwarf,{_STACK_BYTES}", "--clockid", "CLOCK_MONOTONIC"),
        *("--output", str(output), "--pid", str(process)),
    ]


def script_command(recorded: Path) -> list[str]:
    """Give the command that writes the samples as text; inlined functions would take minutes to look up."""
    return ["perf", "script", "--no-inline", "--input", str(recorded), "--fields", "tid,time,ip,sym,dso"]


def parse_script(lines: Iterable[str]) -> Iterator[PerfSample]:
    """Read what `perf script` writes: a line with thread and time, a line a frame, an empty line.

    What cannot be read as such, like the last sample of a recording that was cut, is passed over.
    """
    head: tuple[int, float] | None = None
    frames: list[Frame] = []
    for line in lines:
        words = line.strip()
        if not words:
            if head is not None and frames:
                yield PerfSample(*head, tuple(frames))
            head, frames = None, []
        elif line[0] == "\t":
            frame = _frame(words, leaf=not frames)
            if frame is not None:
                frames.append(frame)
        else:
            head, frames = _head(words), []
    if head is not None and frames:
        yield PerfSample(*head, tuple(frames))


def _head(words: str) -> tuple[int, float] | None:
    thread, _, moment = words.rstrip(":").partition(" ")
    try:
        return int(thread), float(moment.strip().rstrip(":"))
    except ValueError:
        return None


def _frame(words: str, *, leaf: bool) -> Frame | None:
    """Read 'ADDRESS SYMBOL (LIBRARY)'; None for the marker of a stack that was cut."""
    address, _, rest = words.partition(" ")
    symbol, _, library = rest.replace(" (deleted))", ")").rpartition(" (")
    library = library.removesuffix(")")
    if address == "ffffffffffffffff" or not library:
        return None
    return Frame("" if symbol == "[unknown]" else symbol[:_LONGEST_SYMBOL], _library(library, leaf=leaf))


def _library(path: str, *, leaf: bool) -> str:
    if path.startswith("[kernel") or path.endswith((".ko", ".ko.xz", ".ko.zst")):
        return KERNEL
    if path.startswith("[vdso"):
        return VDSO
    if path.startswith(_GENERATED):
        return JIT
    if path == "[unknown]":  # code runs there where it is the innermost; further out it is a stack that was misread
        return JIT if leaf else ""
    return Path(path).name
