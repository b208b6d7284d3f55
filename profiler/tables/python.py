"""Python-level work of one call."""

from __future__ import annotations

from profiler.tables.schema import Table, count, number, text

__all__ = ["PYTHON"]

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
            "seconds per call inside the call's range and in no operator, under the profiler: mechanism, not magnitude",
            "s",
        ),
        number("python_share", "python_s over range_s"),
        number("python_calls", "Python functions entered per call, counted exactly"),
        number("c_calls", "built-in functions called from Python per call, counted exactly"),
        number("instructions", "bytecode instructions executed per call, counted exactly"),
        number("range_s", "seconds of the call's range, under the profiler", "s"),
    ),
)
