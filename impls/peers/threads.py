"""How many threads a library with a pool of its own is to start, and the way to tell one that reads its environment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["environment_variable", "thread_count"]


def thread_count() -> int:
    """Give the number that OpenMP's variable asks for, as a worker's does, else that of the usable processors."""
    # The variable may list a number for each level of nesting; the first is what one parallel region starts.
    outermost = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if outermost.isdecimal() and int(outermost) > 0:
        return int(outermost)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def environment_variable(name: str, value: str) -> Iterator[None]:
    """Set a variable for the time in which a library starts, and leave it afterwards as it was."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
