"""Where the time of one implementation goes."""

from __future__ import annotations

from profiler.tables.schema import Table, count, number, text

__all__ = ["BUDGET"]

BUDGET = Table(
    "budget",
    "one cause in one implementation's budget; the rows of one budget sum to its median",
    (
        text("implementation", "name of the implementation"),
        text("case", "case name"),
        text("device", "cpu or cuda"),
        count("threads", "threads allowed"),
        text("cause", "one of the fixed causes, or residual"),
        number("seconds", "seconds per call put down to the cause", "s"),
        number("ci_low_s", "95 % interval, lower end", "s"),
        number("ci_high_s", "95 % interval, upper end", "s"),
        text("method", "switch, sample, count, bound, timeline, remainder, or none without an estimator"),
        text("status", "confirmed, unconfirmed, joint, refused or not estimated"),
        text("evidence", "what a reader can check, in words"),
    ),
)
