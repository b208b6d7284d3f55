"""Where the gap between two implementations comes from."""

from __future__ import annotations

from profiler.tables.schema import Table, count, number, text

__all__ = ["ATTRIBUTION"]

ATTRIBUTION = Table(
    "attribution",
    "one cause of one gap; the rows of one gap sum to it",
    (
        text("subject", "implementation whose time is explained"),
        text("baseline", "implementation it is compared with"),
        text("case", "case name"),
        text("device", "cpu or cuda"),
        count("threads", "threads allowed"),
        text("cause", "one of the fixed causes, or residual"),
        number("seconds", "subject's seconds less baseline's, per call", "s"),
        number("ci_low_s", "95 % interval, lower end", "s"),
        number("ci_high_s", "95 % interval, upper end", "s"),
        number("share", "seconds over the gap"),
        text("method", "estimators of the two sides"),
        text("status", "confirmed, unconfirmed, joint, refused or not estimated"),
        text("evidence", "what a reader can check, in words"),
        text("refusal", "why nothing should be concluded, reasons joined by '; also: '; empty where it may"),
    ),
)
