"""The main job: one phase after the other, each from what the one before left in the run directory."""

from __future__ import annotations

import contextlib
import datetime
import math
from dataclasses import dataclass, fields
from pathlib import Path

import msgspec

from impls.case import parse_cases
from profiler.errors import UsageError, WorkerError
from profiler.progress import Progress
from profiler.records import Outcome
from profiler.store import RunDirectory, file_stem

__all__ = ["Request", "analyze_run", "failures", "open_run", "salvage"]

DEFAULT_TIME_S = 110.0


@dataclass(frozen=True)
class Request:
    """Hold what the user asked for; None and () mean not said."""

    cases: tuple[str, ...] = ()
    implementations: tuple[str, ...] = ()
    baseline: str | None = None
    device: str = "cpu"
    threads: int | None = None
    time_s: float | None = None
    call_limit_s: float | None = None
    seed: int | None = None
    out: Path | None = None
    resume: Path | None = None
    nsys: bool = False
    command: tuple[str, ...] = ()


def open_run(request: Request) -> RunDirectory:
    """Plan a new run, or open the one to be resumed; raises UsageError and the errors of planning."""
    if request.resume is not None:
        changed = [
            field.name
            for field in fields(request)
            if field.name not in ("resume", "command") and _said(request, field.name)
        ]
        if changed:
            raise UsageError(
                f"--resume keeps the plan of {request.resume}, so {', '.join(changed)} cannot be changed; "
                "drop the option, or start a new run"
            )
        return RunDirectory.open(request.resume)
    return _new_run(request)


def _said(request: Request, name: str) -> bool:
    return bool(getattr(request, name) != getattr(Request(), name))


def _new_run(request: Request) -> RunDirectory:
    from profiler.capture.nsys import require_nsys
    from profiler.measure.plan import make_manifest

    for option, seconds in (("--time", request.time_s), ("--call-limit", request.call_limit_s)):
        if seconds is not None and not math.isfinite(seconds):
            raise UsageError(f"{option} is {seconds}, but must be a number of seconds; for example {option} 60")
    for text in (*request.cases, *request.implementations):
        if not text.isprintable():
            raise UsageError(f"{text!r} holds characters that cannot be written; rename the file or the function")
    if request.nsys:
        require_nsys()
    names = [case.name for text in request.cases or ("article",) for case in parse_cases(text)]
    manifest = make_manifest(
        cases=list(dict.fromkeys(names)),
        implementations=list(request.implementations),
        baseline=request.baseline,
        device=request.device,
        threads=request.threads,
        time_s=request.time_s or DEFAULT_TIME_S,
        call_limit_s=request.call_limit_s,
        command=list(request.command),
        seed=request.seed,
    )
    manifest = msgspec.structs.replace(manifest, nsys=request.nsys)
    run = RunDirectory(_free_folder(request.out, manifest.created, manifest.cases))
    run.write_manifest(manifest)
    if request.out is None:
        _point_latest(run.path)
    return run


def _free_folder(out: Path | None, created: str, cases: list[str]) -> Path:
    if out is not None:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise UsageError(
                f"--out {out} exists and is not empty; name a new folder, or complete it with --resume {out}"
            )
        return out
    moment = datetime.datetime.fromisoformat(created).strftime("%Y%m%dT%H%M%SZ")
    stem = file_stem(cases[0]) + (f"-and-{len(cases) - 1}-more" if len(cases) > 1 else "")
    folder = Path("reports") / f"{moment}-{stem}"
    number = 2
    while folder.exists():
        folder = folder.with_name(f"{moment}-{stem}-{number}")
        number += 1
    return folder


def _point_latest(run: Path) -> None:
    """Let `reports/latest` name the run; a real file or folder of that name is the user's and stays."""
    latest = run.parent / "latest"
    if latest.exists() and not latest.is_symlink():
        return
    fresh = run.parent / f".latest-{run.name}"
    with contextlib.suppress(OSError):  # some file systems have no symbolic links; the run is there all the same
        fresh.symlink_to(run.name, target_is_directory=True)
        fresh.replace(latest)


def analyze_run(run: RunDirectory, progress: Progress) -> None:
    """Do every phase that the run still lacks, and write its report; a failure keeps what was measured.

    Raises WorkerError where workers cannot run, after a report of what there is.
    """
    from profiler.capture.cpu_sampling import sample_cpu
    from profiler.capture.library_path import record_library_paths
    from profiler.capture.nsys import capture_under_nsys
    from profiler.capture.run import capture
    from profiler.measure.run import measure

    try:
        measure(run, progress)
        capture(run, progress)
        capture_under_nsys(run, progress)
        record_library_paths(run, progress)
        sample_cpu(run, progress)
    except WorkerError:
        salvage(run)
        raise
    progress.at(0.97, "building tables")
    _from_files(run)
    progress.at(1.0, "done")


def salvage(run: RunDirectory) -> None:
    """Make samples, tables and a report of what an interrupted run holds."""
    from profiler.measure.run import write_samples

    write_samples(run)
    _from_files(run)


def _from_files(run: RunDirectory) -> None:
    from profiler.attribution.run import attribute
    from profiler.report.run import write_report
    from profiler.tables.build import build_tables

    build_tables(run)
    attribute(run)
    write_report(run)


def failures(run: RunDirectory) -> list[str]:
    """Say, one line each, which implementations that the user named did not get through."""
    manifest = run.manifest()
    asked_for = {planned.name for planned in manifest.implementations if planned.asked_for}
    lines = {
        (entry.implementation, entry.case): f"{entry.implementation} is unavailable on {entry.case}: {entry.reason}"
        for entry in manifest.unavailable
        if entry.implementation in asked_for
    }
    for record in run.records():
        if isinstance(record, Outcome) and record.implementation in asked_for and record.case in manifest.cases:
            key = (record.implementation, record.case)
            if record.status == "ok":
                continue
            lines[key] = f"{record.implementation} {record.status} on {record.case}: {record.reason}"
    return list(lines.values())
