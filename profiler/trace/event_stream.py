"""Reads the events of a Chrome-format trace piece by piece: memory is bounded by a piece, not by the file."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Generic, TypeVar

import msgspec

from profiler.errors import TraceError

__all__ = ["EventStream"]

Event = TypeVar("Event")

_GZIP_MAGIC = b"\x1f\x8b"
_READ_BYTES = 1 << 18
_PIECE_BYTES = 1 << 23
_LONGEST_HEAD = 1 << 24  # properties before the events; the INFO lines of libkineto take some hundred kB
_BEGIN = re.compile(rb'(?<!\\)"traceEvents"\s*:\s*\[')
_BETWEEN = re.compile(rb"\}\s*,\s*(?=\{)")
# libkineto writes a bandwidth over a duration of 0 as no JSON allows.
_NOT_FINITE = re.compile(rb'((?:":|[\[,])\s*)-?(?:inf|nan|infinity)(?=\s*[,}\]])', re.IGNORECASE)
_TRIES = 64


class EventStream(Generic[Event]):
    """Give the events of a `.json` or `.json.gz` file in batches.

    After the last batch, `damage` says in words what of the file could not be read ('' where it is whole), and
    `properties` holds the file's entries beside its events. Where a piece may end is found by trying: a piece that ends
    within a text or a nested object is no valid JSON.
    """

    def __init__(self, path: Path, event_type: type[Event]) -> None:
        self._path = path
        self._events = msgspec.json.Decoder(list[event_type])  # type: ignore[valid-type]
        self._document = msgspec.defstruct(
            "Document",
            [("events", list[event_type], msgspec.field(name="traceEvents"))],  # type: ignore[valid-type]
        )
        self.properties: dict[str, Any] = {}
        self.damage = ""
        self._read = 0

    def batches(self) -> Iterator[list[Event]]:
        """Give every event; raises TraceError where the file cannot be read or holds none."""
        try:
            with self._path.open("rb") as file:
                yield from self._from(_content(file, self._cut))
        except OSError as error:
            raise TraceError(f"{self._path} cannot be read ({error.strerror or error}); name a trace") from error

    def _from(self, content: Iterator[bytes]) -> Iterator[list[Event]]:
        buffer, is_list = self._opened(content)
        wanted = _PIECE_BYTES
        for more in content:
            buffer += more
            if len(buffer) < wanted:
                continue
            events, buffer = self._whole(buffer)
            # Where no end of an event is found, the next try is worth its time only with much more to look at.
            wanted = _PIECE_BYTES if events else 2 * len(buffer)
            if events:
                self._read += len(events)
                yield events
        yield self._last(bytes(buffer), is_list=is_list)

    def _opened(self, content: Iterator[bytes]) -> tuple[bytearray, bool]:
        """Read up to the first event; say whether the file is a bare list."""
        buffer = bytearray()
        for more in content:
            buffer += more
            if buffer.lstrip()[:1] == b"[":
                return bytearray(buffer.lstrip()[1:]), True
            begin = _BEGIN.search(buffer)
            if begin is not None:
                self._take_properties(bytes(buffer[: begin.start()]) + b'"":null}')
                return buffer[begin.end() :], False
            if len(buffer) > _LONGEST_HEAD:
                break
        raise self._no_trace(bytes(buffer))

    def _no_trace(self, content: bytes) -> TraceError:
        try:
            msgspec.json.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return TraceError(f"{self._path} is not whole JSON ({error}); it may be cut short: record it again")
        return TraceError(f"{self._path} is JSON but no trace (no traceEvents); name a Kineto or Chrome trace")

    def _whole(self, buffer: bytearray) -> tuple[list[Event], bytearray]:
        """Decode as many whole events as a buffer begins with, or none."""
        ends = [found.start() + 1 for found in _BETWEEN.finditer(buffer)]
        for end in reversed(ends[-_TRIES:]):
            events = self._decoded(b"[" + bytes(buffer[:end]) + b"]")
            if events is not None:
                rest = buffer[end:]
                return events, bytearray(rest[rest.index(b",") + 1 :])
        return [], buffer

    def _last(self, rest: bytes, *, is_list: bool) -> list[Event]:
        """Decode the file's end, or as much of it as is whole."""
        events = self._decoded(b"[" + rest) if is_list else self._decoded_document(b'{"traceEvents":[' + rest)
        if events is not None:
            return events
        events = self._salvaged(rest)
        if not events and not self._read:
            raise TraceError(f"{self._path} is not whole JSON; it may be cut short: record it again")
        found = self._read + len(events)
        self.damage = self.damage or f"the file is damaged or cut short: nothing after event {found} could be read"
        return events

    def _salvaged(self, rest: bytes) -> list[Event]:
        """Decode whole events that a damaged end begins with: of a file cut short all, of others at least some."""
        ends = [found.start() + 1 for found in _BETWEEN.finditer(rest)]
        if rest.rstrip().endswith(b"}"):
            ends.append(len(rest.rstrip()))
        found = self._longest(rest, ends[-_TRIES:])
        low, high = 0, len(ends)  # before `low` all is whole, from `high` on something is not
        while found is None and low < high:
            middle = (low + high) // 2
            # A place within a text or a nested object is no end of an event: those before it are asked too.
            if self._longest(rest, ends[max(0, middle - 3) : middle + 1]) is None:
                high = middle
            else:
                low = middle + 1
        return found or self._longest(rest, ends[max(0, low - 4) : low]) or []

    def _longest(self, rest: bytes, ends: Sequence[int]) -> list[Event] | None:
        """Decode up to the last of some places where the events before are whole; None where they nowhere are."""
        for end in reversed(ends):
            events = self._decoded(b"[" + rest[:end] + b"]")
            if events is not None:
                return events
        return None

    def _decoded(self, content: bytes) -> list[Event] | None:
        events: list[Event] | None = self._try(self._events.decode, content)
        return events

    def _decoded_document(self, content: bytes) -> list[Event] | None:
        document = self._try(lambda text: msgspec.json.decode(text, type=self._document), content)
        if document is None:
            return None
        self._take_properties(content, keep_events=False)
        events: list[Event] = document.events
        return events

    def _try(self, decode: Callable[[bytes], Any], content: bytes) -> Any:
        try:
            return decode(content)
        except msgspec.ValidationError as error:
            raise TraceError(f"{self._path} is JSON but no trace ({error}); name a Kineto or Chrome trace") from error
        except (msgspec.DecodeError, UnicodeDecodeError):
            mended = _NOT_FINITE.sub(rb"\1null", content)
        if mended == content:
            return None
        try:
            return decode(mended)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    def _take_properties(self, content: bytes, *, keep_events: bool = True) -> None:
        """Keep what the file says beside its events; what is no JSON there is passed over: events are what counts."""
        try:
            found = msgspec.json.decode(_NOT_FINITE.sub(rb"\1null", content), type=dict[str, msgspec.Raw])
        except (msgspec.DecodeError, UnicodeDecodeError):
            return
        for name, value in found.items():
            if name and (keep_events or name != "traceEvents"):
                self.properties[name] = msgspec.json.decode(value)

    def _cut(self, reason: str) -> None:
        self.damage = f"the file is damaged or cut short ({reason})"


def _content(file: BinaryIO, cut: Callable[[str], None]) -> Iterator[bytes]:
    """Give a file's content, unpacked where it is packed."""
    first = file.read(_READ_BYTES)
    if not first.startswith(_GZIP_MAGIC):
        while first:
            yield first
            first = file.read(_READ_BYTES)
        return
    inflater = zlib.decompressobj(wbits=31)
    packed = first
    while packed:
        try:
            content = inflater.decompress(packed, _PIECE_BYTES)
        except zlib.error as error:
            cut(str(error))
            return
        if content:
            yield content
        if inflater.eof:
            packed = inflater.unused_data or file.read(_READ_BYTES)
            inflater = zlib.decompressobj(wbits=31) if packed else inflater
        else:
            packed = inflater.unconsumed_tail or file.read(_READ_BYTES)
    if not inflater.eof:
        cut("the packed stream has no end")
