"""The library-path worker: `python -m profiler.capture.library_path_worker`, started by `run_worker`.

oneDNN writes a line for every primitive that it makes or runs, once the environment asks for it:
https://uxlfoundation.github.io/oneDNN/dev_guide_verbose.html. That slows it down, so nothing is timed here.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import torch

from impls.case import ConvCase
from impls.contract import Implementation
from impls.data import make_data
from profiler.capture.conv_backend import BackendWatch
from profiler.capture.library_path_protocol import LibraryPathJob, LibraryPathTask
from profiler.capture.protocol import DONE
from profiler.capture.standard_output import standard_output
from profiler.isolation import RecordPipe
from profiler.measure.failure import describe_exception, on_uncaught
from profiler.measure.subject import load, prepared
from profiler.records import LibraryPath, Starting
from profiler.store import write_atomically

__all__ = ["main"]

_ALLOWANCE_S = 60.0
_CALLS_IN_LIMIT = 6  # four calls, and preparing
_MARKERS = ("onednn_verbose,", "dnnl_verbose,")
_HEADER = ",info,"
_MOST_LINES = 500  # of one call; a loop over a library's function writes as many for every pass


def main() -> None:
    """Read a job, do its tasks, and end without running what was registered for the end."""
    pipe = RecordPipe.from_environment()
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=LibraryPathJob)
    worker = _Worker(job, pipe)
    on_uncaught(worker.report)
    worker.hear_header()
    for task in job.tasks:
        worker.carry_out(task)
    pipe.end(DONE)


class _Worker:
    """Call one implementation on one case after the other, and keep what oneDNN writes meanwhile."""

    def __init__(self, job: LibraryPathJob, pipe: RecordPipe) -> None:
        self._job = job
        self._pipe = pipe
        self._task: LibraryPathTask | None = None
        self._header: list[str] = []

    def hear_header(self) -> None:
        """Use oneDNN for the first time: its version and instruction set stand before its first line only."""
        if torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
            written: list[str] = []
            with standard_output(written):
                torch.ones(1).to_mkldnn()
            self._of_onednn(written)

    def carry_out(self, task: LibraryPathTask) -> None:
        """Do one task: write its file and tell the parent."""
        self._task = task
        limit_s = _ALLOWANCE_S + _CALLS_IN_LIMIT * self._job.call_limit_s
        name = task.implementation.name
        self._pipe.send(Starting(implementation=name, case=task.case, stage="library path", limit_s=limit_s))
        if torch.get_num_threads() != task.threads:
            torch.set_num_threads(task.threads)
        implementation = load(task.implementation)
        if implementation.arrays == "torch":
            self._look_into(task, implementation)
        else:
            self._tell(task, reason="it works on arrays, which torch and oneDNN do not see")
        self._task = None

    def report(self, error: BaseException) -> None:
        """Tell the parent of an exception that ends this process."""
        if self._task is not None:  # else a fault of convprof itself; the log has it
            source = self._task.implementation.location.rpartition(":")[0]
            self._tell(self._task, reason=describe_exception(error, source))

    def _look_into(self, task: LibraryPathTask, implementation: Implementation) -> None:
        """Keep what is written while preparing, in the first call and in a later one; then ask for the backends."""
        case = ConvCase.parse(task.case)
        data = make_data(case, self._job.seed)
        written: dict[str, list[str]] = {"prepare": [], "first": [], "": [], "later": []}
        with standard_output(written["prepare"]):
            subject = prepared(implementation, case, data)
        with subject.context():
            for part in ("first", "", "later"):  # the call between is still warming up
                with standard_output(written[part]):
                    subject.call()
            watch = BackendWatch()
            with standard_output([]), watch:
                subject.call()
        heard = {part: self._of_onednn(lines) for part, lines in written.items() if part}
        blocks = [_block("header", self._header), *(_block(part, lines) for part, lines in heard.items())]
        write_atomically(Path(self._job.folder) / task.lines, "".join(blocks).encode())
        self._tell(task, watch.backends)

    def _of_onednn(self, written: list[str]) -> list[str]:
        """Give the lines of oneDNN, its header put aside; whatever else an implementation prints is its own."""
        lines = [line for line in written if line.startswith(_MARKERS)]
        self._header = self._header or [line for line in lines if _HEADER in line]
        return [line for line in lines if _HEADER not in line]

    def _tell(self, task: LibraryPathTask, backends: list[str] | None = None, reason: str = "") -> None:
        self._pipe.send(
            LibraryPath(
                implementation=task.implementation.name,
                case=task.case,
                device=self._job.device,
                threads=task.threads,
                backends=backends or [],
                lines="" if reason else task.lines,
                reason=reason,
            )
        )


def _block(part: str, lines: list[str]) -> str:
    """Write the lines of one part below its name, as `profiler.trace.onednn` reads them."""
    kept, cut = lines[:_MOST_LINES], len(lines) - _MOST_LINES
    told = [f"convprof,{part}", *kept, *([f"convprof,cut,{cut}"] if cut > 0 else [])]
    return "".join(f"{line}\n" for line in told)


if __name__ == "__main__":
    main()
