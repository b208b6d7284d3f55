"""The device's part of a call, where a run has one."""

from __future__ import annotations

from collections.abc import Callable

from profiler.report.device_work import device_work_table as device_table
from profiler.report.markdown import report_markdown
from profiler.report.view import RunView
from profiler.store import RunDirectory
from profiler.tables.device_states import DEVICE_STATES
from profiler.tables.files import write_table
from profiler.trace.device_states import STATES

_SHARES = {"kernel": 0.25, "launch": 0.1, "latency": 0.05, "operator": 0.6}


BuildRun = Callable[..., RunDirectory]


def test_a_run_without_a_device_has_no_such_section(view: RunView) -> None:
    assert device_table(view, view.conditions[0]) == ""
    assert "What the device did" not in report_markdown(view, frozenset())


def test_each_implementation_with_device_work_has_a_row(build_run: BuildRun) -> None:
    run = build_run(threads=[1])
    view = RunView(run)
    condition = view.conditions[0]
    fastest = view.ranking(condition)[0].implementation
    nothing = dict.fromkeys(("share_low", "share_high"))
    rows = [
        {**nothing, "implementation": fastest, "case": condition.case, "device": "cuda", "threads": 1, "calls": 20,
         "device_number": 0, "stream": stream, "state": state, "seconds": _SHARES.get(state, 0.0) * 1e-4,
         "share": _SHARES.get(state, 0.0)}
        for stream in ("all", "7")
        for state in STATES
    ]  # fmt: skip
    write_table(run, DEVICE_STATES, DEVICE_STATES.frame(rows))
    view = RunView(run)
    *_, last = device_table(view, condition).splitlines()
    cells = [cell.strip() for cell in last.strip("|").split("|")]
    assert cells == [f"`{fastest}`", "-", "-", "25.0 µs", "25 %", "15 %", "`operator`, 60 %"]
    assert "## What the device did" in report_markdown(view, frozenset())
