"""Keeps what any code of this process writes to its standard output, C libraries too."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import tempfile
from collections.abc import Iterator

__all__ = ["standard_output"]

_DESCRIPTOR = 1
_MOST_BYTES = 16 << 20  # what a reader's own function prints is not bounded


@contextlib.contextmanager
def standard_output(into: list[str]) -> Iterator[None]:
    """Lead file descriptor 1 into a file while the context lasts, then add its lines to `into`.

    `contextlib.redirect_stdout` reaches Python's own printing only; a library in C writes to the descriptor.
    """
    with tempfile.TemporaryFile() as file:
        _flush()
        before = os.dup(_DESCRIPTOR)
        os.dup2(file.fileno(), _DESCRIPTOR)
        try:
            yield
        finally:
            _flush()
            os.dup2(before, _DESCRIPTOR)
            os.close(before)
        file.seek(0)
        into += file.read(_MOST_BYTES).decode(errors="replace").splitlines()


def _flush() -> None:
    """Write out what Python and the C library still hold in their buffers."""
    sys.stdout.flush()
    ctypes.CDLL(None).fflush(None)
