"""Operators seen in one call, as the profiler names them."""

from __future__ import annotations

import pandas as pd

from profiler.counts import OpCount
from profiler.tables.inputs import CAPTURE_THREADS, Inputs
from profiler.tables.profile import OperatorProfile
from profiler.tables.schema import Table, count, number, text

__all__ = ["OPS", "build"]

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
            "seconds of the median call inside it and no other operator, under the profiler: mechanism, not magnitude",
            "s",
        ),
        number(
            "bytes_read", "bytes of its tensor inputs per call; NaN where the dispatcher does not show them", "bytes"
        ),
        number("bytes_written", "bytes of its tensor outputs per call, 0 for views; NaN where not shown", "bytes"),
        number("flops", "floating-point operations per call, for operators with a formula; else NaN"),
    ),
)


def build(inputs: Inputs) -> pd.DataFrame:
    """Give a row per operator, in the order first seen in the trace; from the counts alone where there is no trace.

    Bytes and floating-point operations are counted at the dispatcher or the array protocol, and joined by name.
    """
    rows: list[dict[str, object]] = []
    for implementation, case in inputs.right():
        capture = inputs.captures.get((implementation, case))
        if capture is None:
            continue
        counted = {op.op: op for op in (capture.call.ops if capture.call is not None else None) or ()}
        seen: dict[str, OperatorProfile | None] = dict.fromkeys(counted)
        if capture.profile is not None:
            seen = {each.op: each for each in capture.profile.operators}
        rows += [
            {
                "implementation": implementation,
                "case": case,
                "device": inputs.manifest.device,
                "threads": CAPTURE_THREADS,
                **_profiled(profiled, counted.get(op)),
                "op": op,
                **_counted(counted.get(op)),
            }
            for op, profiled in seen.items()
        ]
    return OPS.frame(rows)


def _profiled(profiled: OperatorProfile | None, counted: OpCount | None) -> dict[str, object]:
    if profiled is None:
        return {"calls": counted.calls if counted is not None else None, "leaf_calls": None, "self_s": None}
    return {"calls": profiled.calls, "leaf_calls": profiled.leaf_calls, "self_s": profiled.self_s}


def _counted(counted: OpCount | None) -> dict[str, object]:
    if counted is None:
        return {"bytes_read": None, "bytes_written": None, "flops": None}
    return {"bytes_read": counted.bytes_read, "bytes_written": counted.bytes_written, "flops": counted.flops}
