"""One line an implementation: what it takes, and how that compares with the baseline."""

from __future__ import annotations

from profiler.tables.schema import Table, count, flag, number, text

__all__ = ["SUMMARY"]

SUMMARY = Table(
    "summary",
    "one implementation on one case with one number of threads",
    (
        text("implementation", "name of the implementation"),
        text("family", "manual or library"),
        text("case", "case name"),
        text("device", "cpu or cuda"),
        count("threads", "threads allowed"),
        text("status", "ok, wrong, unavailable, missing, raised, exited, crashed or hung"),
        text("reason", "why the status is not ok"),
        number("median_s", "median seconds per call, steady state, over all processes and rounds", "s"),
        number("ci_low_s", "95 % interval of the median, lower end", "s"),
        number("ci_high_s", "95 % interval of the median, upper end", "s"),
        count("samples", "timed blocks behind the median"),
        count("processes", "worker processes behind the median"),
        number("ratio", "median over the baseline's median, same case and threads"),
        number("ratio_ci_low", "95 % interval of the ratio, lower end, never narrower than the A/A floor"),
        number("ratio_ci_high", "95 % interval of the ratio, upper end, never narrower than the A/A floor"),
        number("aa_floor", "relative difference that two identical instances show, upper end of its 95 % interval"),
        number("process_spread", "largest relative distance of a process's median from the median"),
        flag("steady", "a steady state was reached in every process"),
        number("max_error", "absolute error at the element nearest to or furthest beyond its bound"),
        number("error_bound", "bound of the absolute error at that element"),
    ),
)
