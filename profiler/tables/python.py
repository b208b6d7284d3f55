"""Python-level work of one call."""

from __future__ import annotations

import pandas as pd

from profiler.tables.inputs import CAPTURE_THREADS, Inputs
from profiler.tables.profile import CallProfile
from profiler.tables.schema import Table, count, number, text

__all__ = ["PYTHON", "build"]

PYTHON = Table(
    "python",
    "one implementation on one case",
    (
        text("implementation", "name of the implementation"),
        text("case", "case name"),
        text("device", "cpu or cuda"),
        count("threads", "threads allowed"),
        number(
            "python_s",
            "seconds of the median call in no operator, under the profiler: mechanism, not magnitude",
            "s",
        ),
        number("python_share", "python_s over range_s"),
        number("python_calls", "Python functions entered per call, counted exactly"),
        number("c_calls", "built-in functions called from Python per call, counted exactly"),
        number("instructions", "bytecode instructions executed per call, counted exactly"),
        number("range_s", "seconds of the median call's range, under the profiler", "s"),
    ),
)


def build(inputs: Inputs) -> pd.DataFrame:
    """Give a row per implementation that is right on a case; what was not captured is NaN."""
    rows: list[dict[str, object]] = []
    for implementation, case in inputs.right():
        capture = inputs.captures.get((implementation, case))
        call = capture.call if capture is not None else None
        rows.append(
            {
                "implementation": implementation,
                "case": case,
                "device": inputs.manifest.device,
                "threads": CAPTURE_THREADS,
                **_profiled(capture.profile if capture is not None else None),
                "python_calls": call.python_calls if call is not None else None,
                "c_calls": call.c_calls if call is not None else None,
                "instructions": call.instructions if call is not None else None,
            }
        )
    return PYTHON.frame(rows)


def _profiled(profile: CallProfile | None) -> dict[str, object]:
    if profile is None:
        return {"python_s": None, "python_share": None, "range_s": None}
    python_s = profile.range_s - profile.operator_s
    return {
        "python_s": python_s,
        "python_share": python_s / profile.range_s if profile.range_s else None,
        "range_s": profile.range_s,
    }
