"""Numbers of threads in words."""

from __future__ import annotations

from profiler.attribution.evidence import Condition

__all__ = ["threads_of", "threads_on"]


def threads_on(device: str, threads: int) -> str:
    """Write a number of threads; on a device they are the host's, and no measure of what computes."""
    kind = "thread" if device == "cpu" else "host thread"
    return f"{threads} {kind}{'s' if threads > 1 else ''}"


def threads_of(condition: Condition) -> str:
    """Write the number of threads of a condition."""
    return threads_on(condition.device, condition.threads)
