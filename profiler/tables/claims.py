"""The article's claims and what this run says of each."""

from __future__ import annotations

from profiler.tables.schema import Table, text

__all__ = ["CLAIMS"]

CLAIMS = Table(
    "claims",
    "one claim",
    (
        text("claim", "C1 to C13"),
        text("statement", "the claim, in one sentence"),
        text("verdict", "supported, refuted, mixed or not testable here"),
        text("sentence", "the verdict in words to quote, each figure of it from this run; empty where there is none"),
        text("figure", "the number that decides, with its interval"),
        text("evidence", "the experiment, or why it cannot be made here"),
    ),
)
