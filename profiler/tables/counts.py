"""Exact counts of one call, on the case and on the smallest legal inputs, from which unit costs are scaled."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from profiler.counts import CallCounts, OpCount
from profiler.tables.inputs import CAPTURE_THREADS, Inputs
from profiler.tables.schema import Table, count, number, text

__all__ = ["COUNTS", "build", "copied_bytes", "op_bytes"]

# Operators that move bytes and compute nothing, by the names of torch and NumPy.
_COPYING = re.compile(
    r"(^|::|\.)_?(copy_?|copyto|clone|contiguous|ascontiguousarray|to_copy|constant_pad_nd|pad|cat|concatenate|stack|fill_?"
    r"|full|zero_?|zeros|ones|im2col|col2im|repeat|tile|roll|flip|__setitem__|tolist)$"
)

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
        number("copy_bytes", "of these, bytes of operators that copy, fill or pad and compute nothing", "bytes"),
        number("allocated_bytes", "bytes of fresh outputs of these operators", "bytes"),
        number("flops", "floating-point operations of operators with a formula"),
        number("instructions", "bytecode instructions executed"),
        number("python_calls", "Python functions entered"),
        number("c_calls", "built-in functions called from Python"),
    ),
)


def build(inputs: Inputs) -> pd.DataFrame:
    """Give a row per counted call; a smallest input that several cases share has one row."""
    rows: dict[tuple[str, str], dict[str, object]] = {}
    for key in inputs.captures_in_order():
        for counts in inputs.captures[key].counts:
            rows.setdefault((counts.implementation, counts.case), _row(counts, inputs.manifest.device))
    return COUNTS.frame(rows.values())


def _row(counts: CallCounts, device: str) -> dict[str, object]:
    ops = counts.ops
    flops = [op.flops for op in ops or () if op.flops is not None]
    return {
        "implementation": counts.implementation,
        "case": counts.case,
        "device": device,
        "threads": CAPTURE_THREADS,
        "ops": None if ops is None else sum(op.calls for op in ops),
        "op_bytes": op_bytes(ops),
        "copy_bytes": copied_bytes(ops),
        "allocated_bytes": sum(op.allocated_bytes for op in ops) if ops else None,
        "flops": sum(flops) if flops else None,
        "instructions": counts.instructions,
        "python_calls": counts.python_calls,
        "c_calls": counts.c_calls,
    }


def op_bytes(ops: Sequence[OpCount] | None) -> int | None:
    """Sum the bytes that operators read and write; None where no operator was seen: nothing is known then."""
    return sum(op.bytes_read + op.bytes_written for op in ops) if ops else None


def copied_bytes(ops: Sequence[OpCount] | None) -> int | None:
    """Sum the bytes of operators that only copy; None where no operator was seen."""
    if not ops:
        return None
    return sum(op.bytes_read + op.bytes_written for op in ops if _COPYING.search(op.op))
