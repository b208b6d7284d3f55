"""Draws progress on a terminal, or writes a plain line now and then where there is none."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from profiler.progress import Progress

__all__ = ["PlainProgress", "display"]

_PLAIN_INTERVAL_S = 5.0


class PlainProgress:
    """Write a line for each new phase, and at most one every few seconds within it."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._last = float("-inf")

    def at(self, share: float, doing: str) -> None:
        """Write the share and what is being done, unless a line was written just now."""
        now = self._clock()
        if now - self._last < _PLAIN_INTERVAL_S and share < 1.0:
            return
        self._last = now
        self._stream.write(f"convprof: {share:4.0%}  {doing}\n")
        self._stream.flush()


@contextmanager
def display(stream: TextIO) -> Iterator[Progress]:
    """Show progress on a stream for the time of the block."""
    if not stream.isatty():
        yield PlainProgress(stream)
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    bar = Bar(
        BarColumn(bar_width=30),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
        console=Console(file=stream),
        transient=True,
    )
    with bar:
        task = bar.add_task("starting", total=1.0)

        class _Drawn:
            def at(self, share: float, doing: str) -> None:
                bar.update(task, completed=share, description=doing)

        yield _Drawn()
