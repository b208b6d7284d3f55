"""The label of a profiled call, which carries its identity: traces are joined on it and never on order."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["CallLabel", "read_label", "write_label"]

_PREFIX = "convprof"
_SEPARATOR = "|"


class CallLabel(NamedTuple):
    """Name one call of one implementation on one case; calls are numbered from 0."""

    implementation: str
    case: str
    call: int


def write_label(label: CallLabel) -> str:
    """Write `convprof|<implementation>|<case>|<call>`; a `|` within a name becomes `%7C`, a `%` becomes `%25`."""
    return _SEPARATOR.join((_PREFIX, _escaped(label.implementation), _escaped(label.case), str(label.call)))


def read_label(text: str) -> CallLabel | None:
    """Read a label; None for any other text."""
    if not text.startswith(f"{_PREFIX}{_SEPARATOR}"):
        return None
    parts = text.split(_SEPARATOR)
    if len(parts) != 4 or not (parts[3].isascii() and parts[3].isdigit()):
        return None
    return CallLabel(_unescaped(parts[1]), _unescaped(parts[2]), int(parts[3]))


def _escaped(name: str) -> str:
    return name.replace("%", "%25").replace(_SEPARATOR, "%7C")


def _unescaped(name: str) -> str:
    return name.replace("%7C", _SEPARATOR).replace("%25", "%")
