"""What each switch saves: output-preserving changes measured in the same rounds, alone and in every combination."""

from __future__ import annotations

from profiler.tables.schema import Table, count, flag, number, text

__all__ = ["SWITCHES"]

SWITCHES = Table(
    "switches",
    "one switch of one implementation on one case",
    (
        text("implementation", "name of the implementation"),
        text("case", "case name"),
        text("device", "cpu or cuda"),
        count("threads", "threads allowed"),
        text("switch", "name of the switch; in samples, variant names those removed"),
        text("cause", "the cause that it removes"),
        text("summary", "what is changed"),
        flag("composable", "whether it was measured in every combination with the others, or alone"),
        flag(
            "measured", "whether its cells were measured; others had no effect in a short trial, or cannot be applied"
        ),
        number("seconds", "seconds per call it saves: Shapley value over all combinations", "s"),
        number("ci_low_s", "95 % interval, lower end", "s"),
        number("ci_high_s", "95 % interval, upper end", "s"),
        number("first_in_s", "seconds saved by it alone", "s"),
        number("last_in_s", "seconds saved by it after all the others", "s"),
        number("minor_faults_as_is", "minor page faults per call without it"),
        number("minor_faults_switched", "minor page faults per call with it alone"),
        text("status", "confirmed, joint (see evidence), no effect (the interval holds 0), or not measured"),
        text("evidence", "what a reader can check, in words"),
    ),
)
