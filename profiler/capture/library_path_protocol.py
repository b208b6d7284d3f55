"""What the parent asks of a library-path worker: one job, as JSON on its standard input."""

from __future__ import annotations

import msgspec

from profiler.manifest import PlannedImplementation

__all__ = ["LibraryPathJob", "LibraryPathTask"]


class LibraryPathTask(msgspec.Struct, frozen=True, kw_only=True):
    """Ask what one implementation does on one case inside the library; `lines` is the path of the file to write."""

    implementation: PlannedImplementation
    case: str
    threads: int
    lines: str


class LibraryPathJob(msgspec.Struct, frozen=True, kw_only=True):
    """Ask for one task after the other, in the folder of a run."""

    folder: str
    seed: int
    device: str
    call_limit_s: float
    tasks: list[LibraryPathTask]
