"""What a run lacks, so that the report can say so before anything else."""

from __future__ import annotations

from profiler.records import LEAST_PROCESSES, MEASURED, Captured, ProcessEnded
from profiler.report.escape import code, visible
from profiler.report.view import RunView

__all__ = ["banner", "complete_processes", "missing_parts"]


def complete_processes(view: RunView, threads: int) -> int:
    """Count the worker processes that measured a thread condition to their end."""
    ended = [record for record in view.files.records if isinstance(record, ProcessEnded)]
    return sum(each.complete and each.purpose == "steady" and each.threads == threads for each in ended)


def missing_parts(view: RunView) -> list[str]:
    """List what the run lacks that its plan promised; empty where it is complete."""
    records = view.files.records
    if view.files.samples.empty:
        return ["nothing was measured yet"]
    missing = []
    if not any(isinstance(record, ProcessEnded) and record.purpose == MEASURED for record in records):
        processes = [(threads, complete_processes(view, threads)) for threads in view.manifest.threads]
        missing += [
            f"{done} of {LEAST_PROCESSES} worker processes ended with {threads} thread{'s' if threads > 1 else ''}"
            for threads, done in processes
            if done < LEAST_PROCESSES
        ] or ["measuring did not come to its end"]
    captured = {(record.implementation, record.case) for record in records if isinstance(record, Captured)}
    wanted = {
        (each.implementation, condition.case)
        for condition in view.conditions
        if condition.threads == 1  # captures are made with one thread, of what is right with one
        for each in view.ranking(condition)
    }
    lacking = len(wanted - captured)
    if lacking:
        missing.append(f"{lacking} of {len(wanted)} captures are missing")
    return missing


def banner(view: RunView) -> str:
    """Write the line that stands before everything in a partial report; '' for a complete one."""
    missing = missing_parts(view)
    if not missing:
        return ""
    resume = code(f"convprof analyze --resume {visible(str(view.run.path))}")
    return f"**Partial run:** {'; '.join(missing)}. Complete it with {resume}."
