"""Exact counts of one call, on the case and on the smallest legal inputs, from which unit costs are scaled."""

from __future__ import annotations

from profiler.tables.schema import Table, count, number, text

__all__ = ["COUNTS"]

COUNTS = Table(
    "counts",
    "one implementation on one case or smallest input",
    (
        text("implementation", "name of the implementation"),
        text("case", "case name"),
        text("device", "cpu or cuda"),
        count("threads", "threads allowed"),
        number("ops", "operators dispatched, at the level where the dispatcher or the array protocol sees them"),
        number("op_bytes", "bytes these operators read and write", "bytes"),
        number("allocated_bytes", "bytes of fresh outputs of these operators", "bytes"),
        number("flops", "floating-point operations of operators with a formula"),
        number("instructions", "bytecode instructions executed"),
        number("python_calls", "Python functions entered"),
        number("c_calls", "built-in functions called from Python"),
    ),
)
