"""What waits before it starts is told with what it ran on, and OpenCL's kernels stand for no GPU."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from profiler.attribution.run import attribute
from profiler.report.launch_latency import latency_table, what_ran
from profiler.report.markdown import report_markdown
from profiler.report.view import RunView
from profiler.store import RunDirectory
from profiler.tables.claims import CLAIMS
from profiler.tables.files import read_table, write_table
from profiler.tables.launch_latency import LAUNCH_LATENCY
from profiler.tables.summary import SUMMARY

BuildRun = Callable[..., RunDirectory]


def _with_launches(run: RunDirectory) -> RunDirectory:
    """Give torch.unfold a kernel that OpenCL launched."""
    condition = RunView(run).conditions[0]
    row = {
        "implementation": "torch.unfold", "case": condition.case, "device": "cpu", "threads": 1,
        "kernel": "a|b<c>", "runtime": "opencl", "runs_on": "pthread-<b>some CPU</b> (PoCL)", "launches": 2.0,
        "call_s": 3e-6, "queued_s": 50e-9, "submitted_s": 15e-6, "latency_s": 16e-6,
    }  # fmt: skip
    write_table(run, LAUNCH_LATENCY, LAUNCH_LATENCY.frame([row]))
    return run


def test_waits_are_laid_out_with_the_device_by_its_name(build_run: BuildRun) -> None:
    view = RunView(_with_launches(build_run(threads=[1])))
    table = latency_table(view, view.conditions[0])
    *_, row = table.splitlines()
    assert [cell.strip() for cell in row.replace("\\|", "/").split("|")[1:-1]] == [
        *("`torch.unfold`", "a/b\\<c>", "2", "3.00 µs", "50.0 ns", "15.0 µs", "16.0 µs"),
    ]
    told = what_ran(view, view.conditions[0])
    assert told.startswith("These are OpenCL kernels on a CPU: pthread-")
    assert told.endswith("none of it is evidence about a GPU.")
    assert "<b>" not in told.replace("\\<b>", "")
    report = report_markdown(view, frozenset())
    assert table in report
    assert told in report


def test_nothing_is_said_where_nothing_was_launched(build_run: BuildRun) -> None:
    view = RunView(build_run(threads=[1]))
    assert latency_table(view, view.conditions[0]) == ""
    assert what_ran(view, view.conditions[0]) == ""
    assert "evidence about a GPU" not in report_markdown(view, frozenset())


def test_claims_about_a_gpu_are_not_decided_by_opencl_on_a_cpu(build_run: BuildRun) -> None:
    run = _with_launches(build_run(threads=[1]))
    summary = read_table(run, SUMMARY)
    measured = summary[summary["implementation"] == "torch.unfold"]
    names = ("opencl.direct", "opencl.local_memory")
    write_table(run, SUMMARY, pd.concat([summary, *(measured.assign(implementation=name) for name in names)]))
    attribute(run)
    verdicts = read_table(run, CLAIMS).set_index("claim")["verdict"]
    assert all(verdicts[claim].startswith("not testable here") for claim in ("C10", "C12"))
