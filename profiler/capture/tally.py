"""Sums up what operators do, by name."""

from __future__ import annotations

from dataclasses import dataclass

from profiler.counts import OpCount

__all__ = ["Tally", "TooMany"]


class TooMany(BaseException):
    """Leave a call whose counting would take too long; no error, since an implementation may catch its own."""


@dataclass
class _Sums:
    calls: int = 0
    bytes_read: int = 0
    bytes_written: int = 0
    allocated_bytes: int = 0
    allocations: int = 0
    flops: int | None = None


class Tally:
    """Hold sums by operator; more than `most` operators raise TooMany in the call that is counted."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._sums: dict[str, _Sums] = {}
        self.seen = 0

    @property
    def exceeded(self) -> bool:
        """Say whether there were too many, also where the call swallowed the exception."""
        return self.seen > self._most

    def add(
        self, name: str, read: int = 0, written: int = 0, allocations: tuple[int, ...] = (), flops: int | None = None
    ) -> None:
        """Count one operator: bytes read and written, the sizes of its fresh outputs, its floating-point operations."""
        self.seen += 1
        if self.seen > self._most:
            raise TooMany
        sums = self._sums.get(name)
        if sums is None:
            sums = self._sums[name] = _Sums()
        sums.calls += 1
        sums.bytes_read += read
        sums.bytes_written += written
        sums.allocated_bytes += sum(allocations)
        sums.allocations += len(allocations)
        if flops is not None:
            sums.flops = (sums.flops or 0) + flops

    def op_counts(self) -> list[OpCount]:
        """Give the sums, in the order in which the operators were first seen."""
        return [
            OpCount(
                op=name,
                calls=sums.calls,
                bytes_read=sums.bytes_read,
                bytes_written=sums.bytes_written,
                allocated_bytes=sums.allocated_bytes,
                allocations=sums.allocations,
                flops=sums.flops,
            )
            for name, sums in self._sums.items()
        ]
