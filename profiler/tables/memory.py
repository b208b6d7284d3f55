"""Memory traffic and allocation of one call."""

from __future__ import annotations

from profiler.tables.schema import Table, count, number, text

__all__ = ["MEMORY"]

MEMORY = Table(
    "memory",
    "one implementation on one case",
    (
        text("implementation", "name of the implementation"),
        text("case", "case name"),
        text("device", "cpu or cuda"),
        count("threads", "threads allowed"),
        number("compulsory_bytes", "bytes any algorithm must move: inputs once, output once", "bytes"),
        number(
            "op_bytes",
            "bytes that recorded operators read and write per call, caches not modelled; NaN where none is visible",
            "bytes",
        ),
        number(
            "allocated_bytes", "bytes asked of torch's and NumPy's allocators per call; NaN where not visible", "bytes"
        ),
        number("allocations", "allocations per call"),
        number("peak_bytes", "largest sum of live allocations above the level before the call", "bytes"),
        number("minor_faults", "pages mapped per call, unprofiled (median of the steady blocks)"),
        number("h2d_bytes", "bytes copied host to device per call", "bytes"),
        number("d2h_bytes", "bytes copied device to host per call", "bytes"),
    ),
)
