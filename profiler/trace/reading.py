"""Reads a trace of devices, whichever of the known tools wrote it: one reader a tool, all in one tuple."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from profiler.errors import TraceError
from profiler.trace.device_events import DeviceTrace
from profiler.trace.kineto_device import read_kineto
from profiler.trace.nsight.reader import is_nsight, read_nsight

__all__ = ["READERS", "Reader", "read_device_trace"]

_HEAD_BYTES = 4096
_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True)
class Reader:
    """Name one kind of file; `takes` says from a path and the content's beginning, unpacked, whether it is of it."""

    kind: str
    takes: Callable[[Path, bytes], bool]
    read: Callable[[Path], DeviceTrace]


def _is_json(path: Path, head: bytes) -> bool:
    return head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[") or path.name.endswith((".json", ".json.gz"))


READERS: tuple[Reader, ...] = (
    Reader("Kineto or Chrome trace (.json, .json.gz)", _is_json, read_kineto),
    Reader("Nsight Systems (.sqlite, .nsys-rep)", is_nsight, read_nsight),
)


def read_device_trace(path: Path) -> DeviceTrace:
    """Read a trace with the first reader that takes it; raises TraceError where none does, or where it fails."""
    head = _head(path)
    reader = next((each for each in READERS if each.takes(path, head)), None)
    if reader is None:
        kinds = ", ".join(each.kind for each in READERS)
        raise TraceError(f"{path} is no trace that can be read; name one of: {kinds}")
    return reader.read(path)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_HEAD_BYTES)
    except OSError as error:
        raise TraceError(f"{path} cannot be read ({error.strerror}); name a trace's file") from error
    if not content.startswith(_GZIP_MAGIC):
        return content
    try:
        return zlib.decompressobj(wbits=31).decompress(content, _HEAD_BYTES)
    except zlib.error:
        return b""
