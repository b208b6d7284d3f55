"""Errors of convprof; each message is one line: the fact, the offending value and the remedy.

ConvprofError             exit code 2 unless said otherwise
├── UsageError            an option or argument that cannot be used
├── RunDirectoryError     a run directory that is missing, foreign, damaged or of another version
├── TraceError            a trace that cannot be read
├── TableError            a table that breaks its own contract (columns, types, conservation)
└── WorkerError           worker processes that end while no implementation is to blame
"""

from __future__ import annotations

__all__ = ["ConvprofError", "RunDirectoryError", "TableError", "TraceError", "UsageError", "WorkerError"]


class ConvprofError(Exception):
    """Any failure that convprof explains in one line."""

    exit_code = 2


class UsageError(ConvprofError):
    """An option or argument cannot be used as given."""


class RunDirectoryError(ConvprofError):
    """A run directory is missing, foreign, damaged or of another version."""


class TraceError(ConvprofError):
    """A trace cannot be read."""


class TableError(ConvprofError):
    """A table breaks its own contract."""


class WorkerError(ConvprofError):
    """Worker processes end and no implementation is to blame."""
