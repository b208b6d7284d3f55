"""Exact counts of one call, as a file beside its trace: what the counting pass leaves and the tables read."""

from __future__ import annotations

import msgspec

__all__ = ["CallCounts", "OpCount"]


class OpCount(msgspec.Struct, frozen=True, kw_only=True):
    """Count one operator in one call; bytes are summed over its calls, a view reads and writes nothing."""

    op: str
    calls: int
    bytes_read: int
    bytes_written: int
    allocated_bytes: int
    allocations: int
    flops: int | None = None


class CallCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Count one call; None where the count would have taken too long (`reason` says so).

    `ops` is empty where no operator was seen: what compiled code does by itself is not visible.
    """

    implementation: str
    case: str
    ops: list[OpCount] | None
    instructions: int | None
    python_calls: int | None
    c_calls: int | None
    peak_bytes: int | None
    reason: str = ""
