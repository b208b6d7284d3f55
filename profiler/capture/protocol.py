"""What the parent asks of a capture worker: one job, as JSON on its standard input."""

from __future__ import annotations

import msgspec

from profiler.manifest import PlannedImplementation
from profiler.records import Starting

__all__ = ["DONE", "CaptureJob", "CaptureTask"]

# The last thing a worker starts. An implementation that ends the process with exit code 0 does not get there.
DONE = Starting(implementation="", case="", stage="done", limit_s=30.0)


class CaptureTask(msgspec.Struct, frozen=True, kw_only=True):
    """Ask for one implementation on one case.

    `units` are the smallest inputs it is known to compute, by name; `seconds_per_call` is what a call took, 0 where not
    known. `trace` and `counts` are the paths of the files to write.
    """

    implementation: PlannedImplementation
    case: str
    units: list[str]
    seconds_per_call: float
    trace: str
    counts: str


class CaptureJob(msgspec.Struct, frozen=True, kw_only=True):
    """Ask for captures, one after the other, in the folder of a run."""

    folder: str
    seed: int
    device: str
    threads: int
    call_limit_s: float
    tasks: list[CaptureTask]
