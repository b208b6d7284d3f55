"""What one call launches."""

from __future__ import annotations

from profiler.tables.schema import Table, count, number, text

__all__ = ["LAUNCHES"]

LAUNCHES = Table(
    "launches",
    "one implementation on one case",
    (
        text("implementation", "name of the implementation"),
        text("case", "case name"),
        text("device", "cpu or cuda"),
        count("threads", "threads allowed"),
        number("ops", "dispatched operators per call, nested ones included"),
        number("leaf_ops", "operators that enter no other recorded operator, per call"),
        number("kernel_launches", "device kernels launched per call; 0 on a CPU"),
        number("graph_launches", "device graphs launched per call"),
        number("memcpys", "device copies per call"),
        number("memsets", "device sets per call"),
        number("synchronizations", "device synchronisations per call"),
    ),
)
