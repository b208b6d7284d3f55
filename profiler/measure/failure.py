"""Puts what became of a failing implementation into one line."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

__all__ = ["describe_exception", "on_uncaught"]

_LONGEST = 300


def describe_exception(error: BaseException, source: str = "") -> str:
    """Name an exception, its message and where it was raised: the last place within `source`, or else the last of all.

    `source` is the path of a reader's file, '' where there is none.
    """
    message = " ".join(str(error).split())
    if len(message) > _LONGEST:
        message = f"{message[:_LONGEST]} ..."
    name = type(error).__name__
    return (f"{name}: {message}" if message else name) + _place(error, source)


def on_uncaught(report: Callable[[BaseException], None]) -> None:
    """Let `report` hear of the exception that ends this process; python's own words go to the log."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        report(error)
        sys.__excepthook__(kind, error, trace)
        sys.stderr.flush()
        os._exit(1)  # threads that the implementation left behind would keep the process alive

    sys.excepthook = hook


def _place(error: BaseException, source: str) -> str:
    if isinstance(error, SyntaxError) and error.filename:
        return f" ({Path(error.filename).name}:{error.lineno})"
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return ""
    own = [frame for frame in frames if source and Path(frame.filename) == Path(source)]
    last = (own or frames)[-1]
    return f" ({Path(last.filename).name}:{last.lineno})"
