"""Where the processor was: kinds of work with the function that most of each fell into, the unknown on its own."""

from __future__ import annotations

from collections.abc import Callable

from profiler.attribution.run import attribute
from profiler.report.cpu_samples import cpu_sample_table
from profiler.report.view import RunView
from profiler.store import RunDirectory
from profiler.tables.cpu_samples import CPU_SAMPLES
from profiler.tables.files import write_table

BuildRun = Callable[..., RunDirectory]


def test_kinds_are_listed_with_their_leading_function(build_run: BuildRun) -> None:
    run = build_run(threads=[1])
    attribute(run)
    fallen = [
        ("kernel", "compute", "libtorch_cpu.so", "at::native::vectorized_loop", 60),
        ("kernel", "compute", "libtorch_cpu.so", "at::native::other_loop", 10),
        ("page_fault", "allocation", "[kernel]", "clear_page", 25),
        ("malloc", "allocation", "libc.so.6", "_int_malloc", 1),  # under a fiftieth
        ("unclassified", "residual", "mystery.so", "f", 4),
    ]
    rows = [
        {"implementation": "torch.conv2d", "case": "ic1ih100oc1kh3ph1", "device": "cpu", "threads": 1, "kind": kind,
         "cause": cause, "library": library, "symbol": symbol, "samples": samples, "share": samples / 100}
        for kind, cause, library, symbol, samples in fallen
    ]  # fmt: skip
    write_table(run, CPU_SAMPLES, CPU_SAMPLES.frame(rows))
    view = RunView(run)
    (line,) = cpu_sample_table(view, view.conditions[0]).splitlines()[2:]
    assert [cell.strip() for cell in line.strip("|").split("|")] == [
        "`torch.conv2d`", "100", "kernel 70 % (at::native::vectorized_loop), page_fault 25 % (clear_page)", "4.0 %",
    ]  # fmt: skip


def test_without_samples_there_is_no_table(view: RunView) -> None:
    assert cpu_sample_table(view, view.conditions[0]) == ""
