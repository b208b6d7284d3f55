"""The way from the article's loop to the library, one named thing removed at each rung."""

from __future__ import annotations

from profiler.tables.schema import Table, count, number, text

__all__ = ["LADDER"]

LADDER = Table(
    "ladder",
    "one rung: a measured implementation, or one with switches removed",
    (
        text("case", "case name"),
        text("device", "cpu or cuda"),
        count("threads", "threads allowed"),
        count("rung", "place, 1 first"),
        text("implementation", "name of the implementation"),
        text("variant", "switches removed, joined by +; empty for the implementation as it is"),
        text("removes", "the one thing that this rung does without and the one before has; empty for the first"),
        number("median_s", "median seconds per call", "s"),
        number("ci_low_s", "95 % interval, lower end", "s"),
        number("ci_high_s", "95 % interval, upper end", "s"),
        number("saved_s", "the rung before less this one", "s"),
        number("predicted_s", "this rung's seconds per call as predicted from the rung before", "s"),
        number("predicted_low_s", "95 % interval of the prediction, lower end", "s"),
        number("predicted_high_s", "95 % interval of the prediction, upper end", "s"),
        text("verdict", "came true, missed, or no prediction"),
        text("evidence", "count x unit cost that the prediction rests on, in words"),
    ),
)
