"""A pass under Nsight Systems: each implementation's labelled calls, in a report that its timeline shows.

nsys ends without an error where it recorded nothing: whether our ranges are in the report is looked up afterwards.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import re
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from itertools import count, product
from pathlib import Path

import msgspec

from profiler.capture.nsys_protocol import ENDED, NsysJob, NsysTask
from profiler.errors import TraceError, UsageError
from profiler.isolation import Ending, run_worker
from profiler.labels import read_label
from profiler.manifest import Manifest
from profiler.measure.launch import thread_variables
from profiler.nsys import SEEN_BY_ALL_NSYS, export_report, find_nsys, nsys_version, run_limited
from profiler.progress import Progress
from profiler.records import AnyRecord, Notice, NsysCaptured, Outcome
from profiler.store import Journal, RunDirectory

__all__ = ["capture_under_nsys", "require_nsys", "waiting_tasks"]

_WORKER = "profiler.capture.nsys_worker"
_THREADS = 1
_DONE_SHARE = 0.93
_EXPORT_LIMIT_S = 300.0
_SHUTDOWN_LIMIT_S = 30.0
_INSTALL = "install Nsight Systems from https://developer.nvidia.com/nsight-systems, or leave --nsys out"


def require_nsys() -> None:
    """Raise UsageError where nsys is not on PATH."""
    if find_nsys() is None:
        raise UsageError(f"--nsys: nsys is not on PATH; {_INSTALL}")


def capture_under_nsys(run: RunDirectory, progress: Progress) -> None:
    """Record what the plan asks for and is not recorded yet; what fails here loses its own ranges only."""
    manifest = run.manifest()
    if not manifest.nsys:
        return
    records = run.records()
    tasks = waiting_tasks(manifest, records)
    if not tasks:
        return
    with run.journal() as journal:
        nsys = find_nsys()
        if nsys is None:
            _note(journal, records, f"nothing was recorded with nsys, which is no longer on PATH; {_INSTALL}")
            return
        run.traces.mkdir(parents=True, exist_ok=True)
        progress.at(_DONE_SHARE, "recording with Nsight Systems")
        _Recording(run, manifest, journal, nsys, tasks).carry_out(records)


def waiting_tasks(manifest: Manifest, records: Iterable[AnyRecord]) -> list[NsysTask]:
    """List every implementation whose last outcome on a case is ok, in the order of the plan, without a record yet."""
    done: set[tuple[str, str]] = set()
    outcomes: dict[tuple[str, str], Outcome] = {}
    for record in records:
        if isinstance(record, NsysCaptured):
            done.add((record.implementation, record.case))
        elif isinstance(record, Outcome) and record.threads == _THREADS and record.phase != "unit":
            outcomes[record.implementation, record.case] = record
    return [
        NsysTask(implementation=planned, case=case, seconds_per_call=outcome.seconds_per_call or 0.0)
        for case, planned in product(manifest.cases, manifest.implementations)
        if (planned.name, case) not in done
        and (outcome := outcomes.get((planned.name, case))) is not None
        and outcome.status == "ok"
    ]


def _note(journal: Journal, records: Iterable[AnyRecord], text: str) -> None:
    notice = Notice(code="nsys", text=text)
    if notice not in records:
        journal.append(notice)


class _Recording:
    """Hand the tasks to workers under nsys until none is left; one that dies is followed by another, with a report."""

    def __init__(
        self, run: RunDirectory, manifest: Manifest, journal: Journal, nsys: Path, tasks: list[NsysTask]
    ) -> None:
        self._run = run
        self._manifest = manifest
        self._journal = journal
        self._nsys = nsys
        self._left = {(task.implementation.name, task.case): task for task in tasks}
        self._numbers = count(1)

    def carry_out(self, records: Iterable[AnyRecord]) -> None:
        """Record all that is left; `records` are those of before."""
        while self._left:
            before = len(self._left)
            report = self._free_report()
            heard: list[NsysCaptured] = []
            ending, said = self._work(report, heard)
            why = self._keep(report, heard, records)
            self._blame(ending)
            if len(self._left) == before:
                how = f"its process {ending.kind} {ending.detail}".strip()
                text = f"nothing was recorded with nsys: {_complaint(said) or why or how}"
                _note(self._journal, records, text)
                return

    def _free_report(self) -> str:
        names = ("traces/nsys.nsys-rep" if number == 1 else f"traces/nsys-{number}.nsys-rep" for number in count(1))
        return next(name for name in names if not (self._run.path / name).exists())

    def _work(self, report: str, heard: list[NsysCaptured]) -> tuple[Ending, str]:
        """Run one worker under nsys; give its end and what nsys said meanwhile."""
        job = NsysJob(
            report=report,
            seed=self._manifest.seed,
            device=self._manifest.device,
            threads=_THREADS,
            call_limit_s=self._manifest.call_limit_s,
            tasks=list(self._left.values()),
        )
        log = self._run.log_path("nsys")
        log.touch()
        said_before = log.stat().st_size
        # Not the name of the session before, which nsys may still be taking apart.
        session = f"convprof-{os.getpid()}-{next(self._numbers)}"
        ending: Ending | None = None
        try:
            ending = run_worker(
                _WORKER,
                msgspec.json.encode(job),
                on_record=lambda record: heard.append(record) if isinstance(record, NsysCaptured) else None,
                log=log,
                environment=thread_variables(_THREADS),
                under=_command(self._nsys, session, self._run.path / report),
            )
        finally:
            if ending is None or ending.kind == "hung":  # nsys has a daemon in a session of its own
                run_limited([str(self._nsys), "shutdown", f"--session={session}", "--kill=sigkill"], _SHUTDOWN_LIMIT_S)
        return ending, log.read_bytes()[said_before:].decode("utf-8", "replace")

    def _keep(self, report: str, heard: list[NsysCaptured], records: Iterable[AnyRecord]) -> str:
        """Journal what the worker told, with the ranges that the report holds; say why where there is none to read."""
        why = ""
        found: Counter[tuple[str, str]] = Counter()
        try:
            found = _ranges_in(self._run.path / report)
        except TraceError as error:
            why = str(error)
        for record in heard:
            key = (record.implementation, record.case)
            if record.reason or not why:
                self._journal.append(msgspec.structs.replace(record, ranges=found[key]))
                self._left.pop(key, None)
        if not why and any(found[record.implementation, record.case] < record.calls for record in heard):
            _note(self._journal, records, _ranges_missing(nsys_version(self._nsys), report))
        return why

    def _blame(self, ending: Ending) -> None:
        """Give up what ended its worker, if that is among those left."""
        blamed = ending.blamed
        if blamed is None or blamed.stage == ENDED.stage:
            return
        if self._left.pop((blamed.implementation, blamed.case), None) is not None:
            detail = ending.detail or "ended its process with exit code 0"
            self._journal.append(
                NsysCaptured(
                    implementation=blamed.implementation,
                    case=blamed.case,
                    device=self._manifest.device,
                    threads=_THREADS,
                    report="",
                    calls=0,
                    ranges=0,
                    reason=f"{detail} while being recorded with nsys",
                )
            )


def _command(nsys: Path, session: str, report: Path) -> list[str]:
    """Give nsys's command line. CPU sampling stays off: with torch, nsys 2022.4 does not come back from it."""
    traced = "cuda,nvtx,osrt" if sys.platform == "linux" else "cuda,nvtx"
    return [
        str(nsys),
        "profile",
        f"--trace={traced}",
        "--sample=none",
        "--cpuctxsw=none",
        f"--session-new={session}",
        f"--output={report.absolute().with_suffix('')}",
    ]


def _ranges_in(report: Path) -> Counter[tuple[str, str]]:
    """Count a report's labelled ranges by implementation and case; raises TraceError where it cannot be read."""
    with tempfile.TemporaryDirectory() as folder:
        export = Path(folder) / "export.sqlite"
        export_report(report, export, _EXPORT_LIMIT_S)
        with contextlib.closing(sqlite3.connect(export)) as database:
            try:
                rows = database.execute(
                    "SELECT COALESCE(text, value) FROM NVTX_EVENTS LEFT JOIN StringIds ON id = textId "
                    "WHERE eventType = 59"  # push and pop
                ).fetchall()
            except sqlite3.OperationalError:  # a table is there only where there is something to put into it
                return Counter()
    labels = [read_label(text) for (text,) in rows if text]
    return Counter((label.implementation, label.case) for label in labels if label is not None)


def _ranges_missing(version: str, report: str) -> str:
    nvtx = importlib.metadata.version("nvtx")
    text = f"{report} lacks ranges of the calls that were recorded (nsys {version}, nvtx {nvtx})"
    if nvtx == SEEN_BY_ALL_NSYS:
        return text
    return f"{text}: older nsys sees none of nvtx after {SEEN_BY_ALL_NSYS}; pip install nvtx=={SEEN_BY_ALL_NSYS}"


def _complaint(said: str) -> str:
    """Give the first line in which nsys speaks of an error: it ends with code 0 all the same where it cannot import."""
    lines = [line.strip() for line in said.replace("\r", "\n").split("\n")]
    return next((line for line in lines if re.search("error|failed", line, re.IGNORECASE)), "")
