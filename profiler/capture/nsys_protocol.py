"""What the parent asks of a worker under Nsight Systems: one job, as JSON on its standard input."""

from __future__ import annotations

import msgspec

from profiler.manifest import PlannedImplementation
from profiler.records import Starting

__all__ = ["ENDED", "NsysJob", "NsysTask"]

# The last thing a worker starts: nsys then writes its report, which takes longer the more it has recorded.
ENDED = Starting(implementation="", case="", stage="nsys writes its report", limit_s=300.0)


class NsysTask(msgspec.Struct, frozen=True, kw_only=True):
    """Ask for one implementation's calls on one case; `seconds_per_call` is what a call took, 0 where not known."""

    implementation: PlannedImplementation
    case: str
    seconds_per_call: float


class NsysJob(msgspec.Struct, frozen=True, kw_only=True):
    """Ask for one task after the other; `report` is the path, relative to the run, of what nsys is to write."""

    report: str
    seed: int
    device: str
    threads: int
    call_limit_s: float
    tasks: list[NsysTask]
