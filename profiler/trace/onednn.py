"""Reads what oneDNN writes in its verbose mode, versions 1 to 3, as the library-path worker left it.

A line holds, after the marker and what newer versions put behind it (a version of the format, a time stamp, the kind of
interface): operation, engine, primitive, implementation, propagation, tensors, attributes, auxiliary, problem, time.
Source: oneDNN developer guide, Verbose Mode, https://uxlfoundation.github.io/oneDNN/dev_guide_verbose.html.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["PARTS", "Line", "Spoken", "read_verbose"]

PARTS = ("prepare", "first", "later")

_MARKERS = ("onednn_verbose", "dnnl_verbose")
_OURS = "convprof"
_BEFORE_OPERATION = re.compile(r"v\d+|\d+(\.\d+)?|primitive")
_OPERATION = re.compile(r"(exec|create)(:\w*cache_(hit|miss))?")
_FIELDS = 10  # from the operation on
_KINDS = frozenset({"blocked", "wino", "packed", "rnn_packed", "sparse", "opaque", "any", "undef"})
_LONGEST = 2000  # characters of a line: oneDNN's have a few hundred


@dataclass(frozen=True)
class Line:
    """Hold one primitive made or run.

    `part` is the call it belongs to, one of PARTS; `operation` is `create` or `exec`. `cache` says what a creation
    found in oneDNN's cache of primitives, `hit` or `miss`, '' for a run and where it is not said. `layouts` are by
    tensor (`src`, `wei`, `dst`), as oneDNN writes them. `milliseconds` is by oneDNN's own clock.
    """

    part: str
    operation: str
    cache: str
    engine: str
    primitive: str
    implementation: str
    propagation: str
    layouts: Mapping[str, str]
    algorithm: str
    problem: str
    milliseconds: float


@dataclass(frozen=True)
class Spoken:
    """Hold all that one file says; `unread` counts lines that are not understood, `cut` those that were not kept."""

    version: str
    instructions: str
    lines: tuple[Line, ...]
    unread: int
    cut: int


def read_verbose(text: str) -> Spoken:
    """Read a file of oneDNN's lines below the names of the calls they belong to."""
    part, version, instructions = "", "", ""
    lines: list[Line] = []
    unread = cut = 0
    for raw in text.splitlines():
        fields = raw[:_LONGEST].strip().split(",")
        if fields[0] == _OURS:
            if fields[1:2] == ["cut"]:
                cut += int(fields[2]) if len(fields) == 3 and fields[2].isdigit() else 0
            else:
                part = fields[1] if fields[1:] and fields[1] in PARTS else ""
        elif fields[0] in _MARKERS and "info" in fields[1:4]:
            version = version or _after(raw, "oneDNN ", "DNNL ")
            instructions = instructions or _after(raw, "isa:")
        else:
            line = _line(part, fields)
            unread += line is None
            lines += [line] if line is not None else []
    return Spoken(version, instructions, tuple(lines), unread, cut)


def _after(raw: str, *words: str) -> str:
    """Give what follows a word in a line of the header, without the commit it was built from."""
    for word in words:
        if word in raw:
            return raw.partition(word)[2].partition(" (commit")[0].strip()
    return ""


def _line(part: str, fields: list[str]) -> Line | None:
    """Read one line; None where it is not of a primitive that was made or run."""
    if not part or fields[0] not in _MARKERS:
        return None
    place = 1
    while place < len(fields) and _BEFORE_OPERATION.fullmatch(fields[place]):
        place += 1
    operation, *rest = fields[place:] or [""]
    named = _OPERATION.fullmatch(operation)
    milliseconds = _number(fields[-1])
    if named is None or len(rest) < _FIELDS - 1 or milliseconds is None:
        return None
    engine, primitive, implementation, propagation, tensors = rest[:5]
    # From the end, since attributes in the middle may hold commas.
    auxiliary, problem = rest[-3:-1]
    return Line(
        part=part,
        operation=named[1],
        cache=named[3] or "",
        engine=engine,
        primitive=primitive,
        implementation=implementation,
        propagation="" if propagation == "undef" else propagation,
        layouts=_layouts(tensors),
        algorithm=auxiliary.removeprefix("alg:"),
        problem=problem,
        milliseconds=milliseconds,
    )


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None


def _layouts(tensors: str) -> dict[str, str]:
    """Give each tensor's layout by its name, several of one name joined by '+'.

    Written `name_type:properties:kind:layout:flags`, from version 3 on with strides before the flags, from 3.5 on with
    the type as a part of its own. Where a tensor has no layout with a name, its strides stand for it.
    """
    found: dict[str, str] = {}
    for tensor in tensors.split():
        head, *parts = tensor.split(":")
        kind = next((place for place, part in enumerate(parts) if part in _KINDS), None)
        if kind is None or parts[kind] == "undef":
            continue
        name = head.partition("_")[0]
        layout = parts[kind]
        if layout == "blocked":
            layout = next((part for part in parts[kind + 1 : kind + 3] if part), layout)
        found[name] = f"{found[name]}+{layout}" if name in found else layout
    return found
