"""What stands under the cold table."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from profiler.report.cold import cold_table, compiling_line, import_line
from profiler.report.view import RunView
from profiler.store import RunDirectory
from profiler.tables.cold import COLD
from profiler.tables.files import read_table, write_table

BuildRun = Callable[..., RunDirectory]


def test_importing_is_told_apart_from_the_first_call(build_run: BuildRun) -> None:
    run = build_run(threads=[1])
    view = RunView(run)
    assert import_line(view, view.conditions[0]) == ""
    shared = {"implementation": "", "case": "", "device": "cpu", "threads": 1, "stage": "import"}
    figures = {"median_s": 1.03, "ci_low_s": 1.01, "ci_high_s": 1.1, "first_s": 1.5, "processes": 10}
    importing = COLD.frame([{**shared, **figures}])
    write_table(run, COLD, COLD.typed(pd.concat([importing, read_table(run, COLD)])))
    view = RunView(run)
    assert import_line(view, view.conditions[0]) == (
        "Importing NumPy and torch takes 1.03 s (95 %: 1.01 s to 1.10 s) once per process, and is in none of these "
        "figures."
    )
    assert "1.03 s" not in cold_table(view, view.conditions[0])


def test_what_the_first_process_compiled_is_told_beside_what_the_others_found(build_run: BuildRun) -> None:
    run = build_run(threads=[1])
    view = RunView(run)
    assert compiling_line(view, view.conditions[0]) == ""
    cold = read_table(run, COLD)
    for name, stage, first_s in (
        ("c.direct", "prepare", 0.4),
        ("numpy.im2col", "prepare", 2.0),
        ("numpy.shift_add", "prepare", 0.0016),  # longer, but by nothing that a compiler takes
        ("torch.conv2d", "first_call", 3.0),
    ):
        cold.loc[(cold["implementation"] == name) & (cold["stage"] == stage), "first_s"] = first_s
    write_table(run, COLD, cold)
    view = RunView(run)
    assert compiling_line(view, view.conditions[0]) == (
        "Prepared in the first process, and found in a cache by the others: `numpy.im2col` 2.00 s, then 300 µs; "
        "`c.direct` 400 ms, then 300 µs."
    )
