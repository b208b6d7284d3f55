"""Operators seen in one call, as the profiler names them."""

from __future__ import annotations

from profiler.tables.schema import Table, count, number, text

__all__ = ["OPS"]

OPS = Table(
    "ops",
    "one operator of one implementation",
    (
        text("implementation", "name of the implementation"),
        text("case", "case name"),
        text("device", "cpu or cuda"),
        count("threads", "threads allowed"),
        text("op", "operator name, as recorded"),
        number("calls", "times entered per call of the implementation"),
        number("leaf_calls", "of these, times it entered no other recorded operator"),
        number(
            "self_s",
            "seconds per call inside it and no other operator, under the profiler: mechanism, not magnitude",
            "s",
        ),
        number(
            "bytes_read", "bytes of its tensor inputs per call; NaN where the dispatcher does not show them", "bytes"
        ),
        number("bytes_written", "bytes of its tensor outputs per call, 0 for views; NaN where not shown", "bytes"),
        number("flops", "floating-point operations per call, for operators with a formula; else NaN"),
    ),
)
