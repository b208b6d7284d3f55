"""Cold costs: a fresh process, stage by stage."""

from __future__ import annotations

from profiler.tables.schema import Table, count, number, text

__all__ = ["COLD"]

COLD = Table(
    "cold",
    "one stage of one implementation in fresh processes",
    (
        text("implementation", "name of the implementation"),
        text("case", "case name"),
        text("device", "cpu or cuda"),
        count("threads", "threads allowed"),
        text("stage", "import, prepare, first_call, second_call or article_time"),
        number("median_s", "median over processes", "s"),
        number("ci_low_s", "95 % interval of the median, lower end; NaN with fewer than 5 processes", "s"),
        number("ci_high_s", "95 % interval of the median, upper end; NaN with fewer than 5 processes", "s"),
        count("processes", "fresh processes measured"),
    ),
)
