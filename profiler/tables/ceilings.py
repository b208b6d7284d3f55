"""Limits and unit costs measured on this machine."""

from __future__ import annotations

from profiler.tables.schema import Table, count, number, text

__all__ = ["CEILINGS"]

CEILINGS = Table(
    "ceilings",
    "one limit at one working-set size",
    (
        text("name", "copy_bandwidth, multiply_add_peak, page_fault, instruction or clock"),
        text("device", "cpu or cuda"),
        count("threads", "threads used"),
        count("working_set_bytes", "bytes touched by the copy; 0 where it means nothing", "bytes"),
        number("value", "median over processes; bytes or operations per second, or seconds each"),
        number("low", "least seen"),
        number("high", "most seen"),
        count("processes", "processes that measured it"),
    ),
)
