"""What the report says of switches: those with an effect as rows, the others by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from profiler.attribution.run import attribute
from profiler.report.switches import switch_table, switches_without_effect
from profiler.report.view import RunView
from profiler.store import RunDirectory
from profiler.tables.files import write_table
from profiler.tables.switches import SWITCHES

BuildRun = Callable[..., RunDirectory]


def _row(switch: str, **given: Any) -> dict[str, Any]:
    known: dict[str, Any] = {
        "implementation": "torch.conv2d", "case": "ic1ih100oc1kh3ph1", "device": "cpu", "threads": 1, "switch": switch,
        "cause": "allocation", "summary": "", "composable": True, "measured": True, "seconds": 20e-6,
        "ci_low_s": 18e-6, "ci_high_s": 22e-6, "first_in_s": 20e-6, "last_in_s": 20e-6, "minor_faults_as_is": 0.0,
        "minor_faults_switched": 0.0, "status": "confirmed", "evidence": "",
    }  # fmt: skip
    return {**known, **given}


def _view(build_run: BuildRun, *rows: dict[str, Any]) -> RunView:
    run = build_run(threads=[1])
    attribute(run)
    write_table(run, SWITCHES, SWITCHES.frame(rows))
    return RunView(run)


def _cells(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def test_a_switch_with_an_effect_has_a_row_with_its_counter(build_run: BuildRun) -> None:
    view = _view(
        build_run,
        _row("recycled_memory", minor_faults_as_is=16_385.0, minor_faults_switched=2.0),
        _row("padded_beforehand", cause="traffic", first_in_s=30e-6, last_in_s=-10e-6, status="joint"),
        _row("denormals_flushed", measured=False, seconds=float("nan"), status="not measured"),
        _row("channels_last", status="no effect"),
    )
    cells = _cells(switch_table(view, view.conditions[0]))
    assert cells == [
        ["`torch.conv2d`", "recycled_memory", "allocation", "+20.0 µs", "+18.0 µs to +22.0 µs", "", "16,385 to 2",
         "confirmed"],
        ["`torch.conv2d`", "padded_beforehand", "traffic", "+20.0 µs", "+18.0 µs to +22.0 µs", "+30.0 µs / -10.0 µs",
         "", "joint"],
    ]  # fmt: skip
    rest = switches_without_effect(view, view.conditions[0])
    assert rest == "`torch.conv2d` (denormals_flushed, channels_last)"


def test_without_an_effect_there_is_no_table(build_run: BuildRun) -> None:
    view = _view(build_run, _row("channels_last", status="no effect"))
    assert switch_table(view, view.conditions[0]) == ""
