"""The machine and the software a run was made on, and how it was measured."""

from __future__ import annotations

import math
from collections.abc import Callable

from impls.case import ConvCase
from profiler.manifest import Manifest
from profiler.report.completeness import complete_processes
from profiler.report.device import clocks_line, device_facts, on_device
from profiler.report.escape import code, plain
from profiler.report.threads import threads_of, threads_on
from profiler.report.view import RunView
from profiler.tables.ceilings import CEILINGS
from profiler.tables.summary import SUMMARY
from profiler.units import percent, seconds, significant, size

__all__ = ["limits", "machine", "method"]

_UNIT_COSTS = {
    "page_fault": "a page fault",
    "instruction": "a bytecode instruction",
    "wait": "entering and leaving a wait, on the processor",
    "clock": "two clock reads",
    "launch": "calling torch's smallest operator on the device, on the host",
    "synchronize": "waiting for a device that has nothing to do",
}


def machine(manifest: Manifest) -> list[tuple[str, str]]:
    """List what is known of the machine and the software: a name and Markdown each."""
    environment = manifest.environment
    known = device_facts(environment.accelerator) | {
        "processor": f"{environment.processor}, {environment.usable_cores} of {environment.cores} cores usable",
        "memory": size(environment.memory_bytes),
        "caches": ", ".join(f"{name} {value}" for name, value in environment.caches.items()),
        "virtualisation": environment.virtual,
        "frequency governor": environment.governor or "cannot be read here",
        "system": f"{environment.system} {environment.kernel}, {environment.libc}",
        "Python": environment.python,
        "packages": ", ".join(f"{name} {version}" for name, version in environment.packages.items()),
        "compiler": environment.compiler or "none",
        "BLAS": environment.blas,
        "OpenMP": environment.openmp,
        "load before the start": (
            f"{significant(environment.load_average)} of {environment.usable_cores} cores (the minute's load average)"
        ),
    }
    return [(name, plain(value)) for name, value in known.items() if value]


def limits(view: RunView) -> list[str]:
    """List the ceilings and unit costs measured in this run with one thread, of a device and of the host beside it."""
    frame = view.files.table(CEILINGS)
    written = []
    for _, row in frame[frame["threads"] == 1].iterrows():
        name, value, low, high = str(row["name"]), float(row["value"]), float(row["low"]), float(row["high"])
        if name == "copy_bandwidth":
            label, write = f"copying {size(float(row['working_set_bytes']))}", _billions("GB/s")
        elif name == "multiply_add_peak":
            label, write = "multiply-add peak", _billions("GFLOP/s")
        else:
            label, write = _UNIT_COSTS.get(name, name), seconds
        written.append(f"{plain(label)}: {write(value)} ({write(low)} to {write(high)})")
    return written


def method(view: RunView) -> list[str]:
    """Say how the figures were made, with this run's numbers."""
    manifest = view.manifest
    lines = [
        f"{_processes(view)}; in each, all implementations in random order in every round, unprofiled.",
        f"Seed {manifest.seed}; time allowed {significant(manifest.time_s)} s; a call counts as hung after "
        f"{significant(manifest.call_limit_s)} s.",
        "Intervals: 95 %, resampling processes, then rounds, all implementations together.",
    ]
    lines += [_floor(view, index) for index in range(len(view.conditions))]
    lines += [_bounds(view)] if _bounds(view) else []
    return [*lines, *_on_device(view)]


def _on_device(view: RunView) -> list[str]:
    if not on_device(view):
        return []
    return [
        "On a device, a block of the steady state ends with one wait: its time is the throughput of a loop that does "
        "not wait for each call, the host's work included where the device does not hide it.",
        clocks_line(view),
        "CPU samples and oneDNN's words are of calls on the CPU, and are not taken here.",
    ]


def _processes(view: RunView) -> str:
    told = [
        f"{complete_processes(view, threads)} with {threads_on(view.manifest.device, threads)}"
        for threads in view.manifest.threads
    ]
    return f"Fresh worker processes measured to their end: {', '.join(told)}"


def _floor(view: RunView, index: int) -> str:
    condition = view.conditions[index]
    middle, largest = view.aa_floors(condition)
    where = f"{code(condition.case)}, {threads_of(condition)}"
    if not math.isfinite(largest):
        return f"A/A floor on {where}: not measured."
    return (
        f"A/A floor on {where}: two identical instances differ by up to {percent(middle)} (the middle of the "
        f"implementations) and {percent(largest)} (the largest, of {code(view.least_alike(condition))})."
    )


def _bounds(view: RunView) -> str:
    checked = view.files.table(SUMMARY)
    # A bound of 0 belongs to an output that only padding reaches, which is exactly 0.
    checked = checked[(checked["status"] == "ok") & (checked["error_bound"] > 0) & checked["max_error"].notna()]
    if checked.empty:
        return ""
    worst = checked.iloc[int((checked["max_error"] / checked["error_bound"]).argmax())]
    terms = ConvCase.parse(str(worst["case"])).terms
    return (
        f"Outputs checked against a float64 oracle, element by element, with the bound of a sum of {terms} products; "
        f"the nearest to its bound is {code(str(worst['implementation']))}: error {float(worst['max_error']):.2g}, "
        f"bound {float(worst['error_bound']):.2g}."
    )


def _billions(unit: str) -> Callable[[float], str]:
    return lambda value: f"{significant(value / 1e9)} {unit}"
