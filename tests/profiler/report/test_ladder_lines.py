"""The ladder in the report: what each rung does without, what was foretold and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from profiler.attribution.run import attribute
from profiler.report.ladder import ladder_notes, ladder_table
from profiler.report.view import RunView
from profiler.store import RunDirectory
from profiler.tables.files import write_table
from profiler.tables.ladder import LADDER

BuildRun = Callable[..., RunDirectory]
_UNKNOWN = float("nan")


def _rung(number: int, name: str, seconds: float, **given: Any) -> dict[str, Any]:
    known: dict[str, Any] = {
        "case": "ic1ih100oc1kh3ph1", "device": "cpu", "threads": 1, "rung": number, "implementation": name,
        "variant": "", "removes": "", "median_s": seconds, "ci_low_s": seconds, "ci_high_s": seconds,
        "saved_s": _UNKNOWN, "predicted_s": _UNKNOWN, "predicted_low_s": _UNKNOWN, "predicted_high_s": _UNKNOWN,
        "verdict": "no prediction", "evidence": "",
    }  # fmt: skip
    return {**known, **given}


def test_rungs_are_written_in_order_with_what_was_predicted(build_run: BuildRun) -> None:
    run = build_run(threads=[1])
    attribute(run)
    rungs = [
        _rung(1, "article.numpy_loop", 0.04),
        _rung(2, "numpy.shift_add", 1e-4, removes="a step | of Python", saved_s=0.0399, predicted_s=2e-4,
              predicted_low_s=1e-4, predicted_high_s=3e-4, verdict="missed", evidence="10 instructions less at 5 ns"),
        _rung(3, "c.direct", 2e-5, variant="output_buffer", removes="a fresh output", saved_s=-1e-6),
    ]  # fmt: skip
    write_table(run, LADDER, LADDER.frame(rungs))
    view = RunView(run)
    table = ladder_table(view, view.conditions[0])
    # A bar that belongs to a cell is escaped; the split below keeps it.
    cells = [
        [cell.strip() for cell in line.strip("|").replace("\\|", "\0").split("|")] for line in table.splitlines()[2:]
    ]
    assert cells == [
        ["`article.numpy_loop`", "", "40.0 ms", "", "-", "", "no prediction"],
        ["`numpy.shift_add`", "a step \0 of Python", "100 µs", "+39.9 ms", "200 µs", "100 µs to 300 µs", "missed"],
        ["`c.direct with output_buffer`", "a fresh output", "20.0 µs", "-1.00 µs", "-", "", "no prediction"],
    ]
    assert ladder_notes(view, view.conditions[0]) == ["`numpy.shift_add`: 10 instructions less at 5 ns"]
