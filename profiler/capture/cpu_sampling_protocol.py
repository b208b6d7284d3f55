"""What the parent asks of a CPU-sampling worker: one job, as JSON on its standard input."""

from __future__ import annotations

import msgspec

from profiler.manifest import PlannedImplementation

__all__ = ["CpuSamplingJob", "CpuSamplingTask"]


class CpuSamplingTask(msgspec.Struct, frozen=True, kw_only=True):
    """Ask for samples of one implementation on one case for some seconds; `stacks` is the path of the file to write."""

    implementation: PlannedImplementation
    case: str
    seconds: float
    stacks: str


class CpuSamplingJob(msgspec.Struct, frozen=True, kw_only=True):
    """Ask for samples, one task after the other, in the folder of a run."""

    folder: str
    seed: int
    device: str
    threads: int
    call_limit_s: float
    rate_hz: int
    tasks: list[CpuSamplingTask]
