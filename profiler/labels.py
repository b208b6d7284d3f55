"""The label of a profiled call, which carries its identity: traces are joined on it and never on order."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote, unquote

__all__ = ["CallLabel", "read_label", "write_label"]

_PREFIX = "convprof"
_SEPARATOR = "|"
_PLAIN = " .:[]=,+-_()"


class CallLabel(NamedTuple):
    """Name one call of one implementation on one case; calls are numbered from 0."""

    implementation: str
    case: str
    call: int


def write_label(label: CallLabel) -> str:
    """Write `convprof|<implementation>|<case>|<call>`, names percent-encoded but for what reads well.

    The profiler writes names into its JSON as they are, so a quote or a line break in one would break the trace.
    """
    return _SEPARATOR.join((_PREFIX, _escaped(label.implementation), _escaped(label.case), str(label.call)))


def read_label(text: str) -> CallLabel | None:
    """Read a label; None for any other text."""
    if not text.startswith(f"{_PREFIX}{_SEPARATOR}"):
        return None
    parts = text.split(_SEPARATOR)
    if len(parts) != 4 or not (parts[3].isascii() and parts[3].isdigit()):
        return None
    return CallLabel(unquote(parts[1]), unquote(parts[2]), int(parts[3]))


def _escaped(name: str) -> str:
    return quote(name, safe=_PLAIN)
