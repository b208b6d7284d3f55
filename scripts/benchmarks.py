"""Measure convprof itself: its figures against another timer's, what its profiler costs, how fast it reads a trace.

independent RUN   every median of a run against torch.utils.benchmark in a fresh process, as a ratio
profiler          how much slower each implementation is while it is profiled, as a ratio
reader RUN        seconds to read the run's traces, and the same with json.loads, as a ratio
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.utils.benchmark import Timer

from impls.case import ConvCase
from impls.catalog import CATALOG, find
from impls.contract import Call, Implementation
from impls.data import as_given, make_data
from impls.errors import UnknownImplementation
from profiler.store import RunDirectory
from profiler.tables.files import read_table
from profiler.tables.summary import SUMMARY

_ARTICLE = "ic1ih100oc1kh3ph1"


def _prepared(implementation: Implementation, case: ConvCase) -> Call:
    return implementation.prepare(case, *as_given(implementation, make_data(case, seed=7)))


def _mode(implementation: Implementation) -> contextlib.AbstractContextManager[object]:
    if implementation.grad_mode == "enabled":
        return contextlib.nullcontext()
    return torch.inference_mode() if implementation.grad_mode == "inference" else torch.no_grad()


def independent(run_path: Path) -> None:
    """Time every ranked implementation of a run with torch's own timer and print its median over the run's."""
    summary = read_table(RunDirectory.open(run_path), SUMMARY)
    print(f"{'implementation':<40} {'threads':>7} {'run':>12} {'independent':>12} {'ratio':>6}")
    for row in summary[summary["status"] == "ok"].itertuples():
        try:
            implementation = find(row.implementation)
        except UnknownImplementation:
            continue
        case = ConvCase.parse(row.case)
        torch.set_num_threads(int(row.threads))
        with _mode(implementation):
            call = _prepared(implementation, case)
            timer = Timer("call()", globals={"call": call}, num_threads=int(row.threads))
            median = timer.blocked_autorange(min_run_time=1.0).median
        print(
            f"{row.implementation:<40} {row.threads:>7} {row.median_s * 1e6:>9.2f} us {median * 1e6:>9.2f} us "
            f"{median / row.median_s:>6.2f}"
        )


def _median_seconds(call: Call, repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter_ns()
        call()
        times.append(time.perf_counter_ns() - start)
    return statistics.median(times) / 1e9


def profiler() -> None:
    """Print each implementation's time under torch.profiler over its time without."""
    torch.set_num_threads(1)
    case = ConvCase.parse(_ARTICLE)
    print(f"{'implementation':<40} {'plain':>12} {'profiled / plain':>17}")
    for implementation in CATALOG:
        if not implementation.available(case).available:
            continue
        with _mode(implementation):
            call = _prepared(implementation, case)
            plain = _median_seconds(call, 3)
            repeats = max(2, min(200, int(0.5 / plain)))
            plain = _median_seconds(call, repeats)
            with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], acc_events=False):
                profiled = _median_seconds(call, max(2, min(20, repeats)))
        print(f"{implementation.name:<40} {plain * 1e6:>9.2f} us {profiled / plain:>17.2f}")


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def reader(run_path: Path) -> None:
    """Print the time to read each trace of a run, over the time json.loads takes for the same."""
    from profiler.trace.kineto import read_trace

    print(f"{'trace':<60} {'MB':>7} {'reader':>9} {'json.loads / reader':>20}")
    for path in sorted(RunDirectory.open(run_path).traces.glob("*.json.gz")):
        if path.name.endswith(".counts.json.gz"):
            continue
        size = len(gzip.decompress(path.read_bytes())) / 1e6
        ours = _seconds(lambda path=path: read_trace(path))
        plain = _seconds(lambda path=path: json.loads(gzip.decompress(path.read_bytes())))
        print(f"{path.name:<60} {size:>7.1f} {ours:>7.2f} s {plain / ours:>20.2f}")


def main() -> None:
    """Run the bench that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    benches = parser.add_subparsers(dest="bench", required=True)
    for name in ("independent", "reader"):
        benches.add_parser(name).add_argument("run", type=Path)
    benches.add_parser("profiler")
    given = parser.parse_args()
    if given.bench == "profiler":
        profiler()
    elif given.bench == "reader":
        reader(given.run)
    else:
        independent(given.run)


if __name__ == "__main__":
    main()
