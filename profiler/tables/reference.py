"""The reference of all tables, made from their declarations; `docs/tables.md` is its copy."""

from __future__ import annotations

from profiler.tables.attribution import ATTRIBUTION
from profiler.tables.budget import BUDGET
from profiler.tables.ceilings import CEILINGS
from profiler.tables.claims import CLAIMS
from profiler.tables.clocks import CLOCKS
from profiler.tables.cold import COLD
from profiler.tables.counts import COUNTS
from profiler.tables.cpu_samples import CPU_SAMPLES
from profiler.tables.criticality import CRITICALITY
from profiler.tables.device_states import DEVICE_STATES
from profiler.tables.device_times import DEVICE_TIMES
from profiler.tables.foreign import BUILDERS as FOREIGN
from profiler.tables.kernels import KERNELS
from profiler.tables.ladder import LADDER
from profiler.tables.launch_latency import LAUNCH_LATENCY
from profiler.tables.launches import LAUNCHES
from profiler.tables.library_path import LIBRARY_PATH
from profiler.tables.memory import MEMORY
from profiler.tables.ops import OPS
from profiler.tables.python import PYTHON
from profiler.tables.samples import SAMPLES
from profiler.tables.schema import Table
from profiler.tables.summary import SUMMARY
from profiler.tables.switches import SWITCHES

__all__ = ["TABLES", "reference_markdown"]

TABLES: tuple[Table, ...] = (
    SAMPLES,
    SUMMARY,
    DEVICE_TIMES,
    CLOCKS,
    COLD,
    OPS,
    LAUNCHES,
    LAUNCH_LATENCY,
    MEMORY,
    KERNELS,
    DEVICE_STATES,
    PYTHON,
    COUNTS,
    CEILINGS,
    CPU_SAMPLES,
    LIBRARY_PATH,
    SWITCHES,
    CRITICALITY,
    BUDGET,
    ATTRIBUTION,
    LADDER,
    CLAIMS,
)

_HEAD = """# Tables

Each run directory holds `tables/NAME.parquet` and the same as `tables/NAME.csv`. Durations are in seconds, sizes in
bytes, counts per call of the implementation. What is not known is empty (NaN), never 0. In the CSV, a text that a
spreadsheet would take for a formula begins with an apostrophe.
"""

_FOREIGN_HEAD = """# Tables of `convprof trace`

The folder of traces recorded elsewhere holds these; figures are of a whole trace, not of a call.
"""


def reference_markdown() -> str:
    """Describe every table, its rows and its columns in Markdown."""
    foreign = [_section(table) for table, _ in FOREIGN]
    return "\n".join([_HEAD, *(_section(table) for table in TABLES), _FOREIGN_HEAD, *foreign])


def _section(table: Table) -> str:
    rows = [
        f"| `{column.name}` | {column.kind} | {column.unit or ' '} | {column.meaning} |" for column in table.columns
    ]
    heading = ["| column | kind | unit | meaning |", "| --- | --- | --- | --- |"]
    return "\n".join([f"## {table.name}", "", f"One row: {table.row}.", "", *heading, *rows, ""])
