"""NVTX ranges and marks of an Nsight export; operators among them, where torch wrote its own.

`torch.autograd.profiler.emit_nvtx` marks each operator as `aten::conv2d, seq = 3, op_id = 71, sizes = [[1, 1, 8, 8]]`
(torch/csrc/autograd/profiler_legacy.cpp, `getNvtxStr`): such ranges become operators under their own names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from profiler.trace.device_events import HostRanges, Operators, coded
from profiler.trace.nsight.database import NsightDatabase
from profiler.trace.nsight.identity import Threads

__all__ = ["NvtxEvents", "read_nvtx"]

_TABLE = "NVTX_EVENTS"
# ENUM_NSYS_EVENT_TYPE: push/pop and start/end, and the same imported from NVTXT files.
_RANGES = (59, 60, 70, 71)
_MARKS = (34, 65)
_DOMAIN_CREATED = 75

_TORCH = re.compile(
    r"(?P<name>.+?)(?P<sequence>, seq = -?\d+)?(?P<identifier>, op_id = \d+)?(?:, sizes = \[.*)?", re.DOTALL
)
# What has a sequence number takes part in autograd; a user's own range has an identifier only.
_OPERATOR_NAME = re.compile(r"[a-z_]\w*::")

_Integers = NDArray[np.int64]
_Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class NvtxEvents:
    """Hold ranges and marks; a mark is a range without a length.

    `unclosed` counts the ranges that no one had ended when recording ended.
    """

    ranges: HostRanges
    operators: Operators
    unclosed: int


def read_nvtx(database: NsightDatabase, threads: Threads, end_ns: int) -> NvtxEvents:
    """Read NVTX events; those never ended are ended at `end_ns`, or where the last one starts if that is later."""
    condition = f"eventType IN ({', '.join(map(str, (*_RANGES, *_MARKS)))})"
    columns = database.integers(_TABLE, ("start", "eventType"), ("end", "globalTid", "domainId"), condition)
    start = columns["start"]
    marks = np.isin(columns["eventType"], _MARKS)
    unclosed = ~marks & (columns["end"] < 0)
    last = max([end_ns, *start.tolist()[-1:]])
    end = np.where(marks, start, np.where(unclosed, np.maximum(last, start), columns["end"]))
    texts = list(database.texts(_TABLE, "text", "textId", condition))
    names, operators = _told_apart(texts, columns["domainId"])
    thread_codes = threads.codes(columns["globalTid"])
    domains, domain_codes = coded(_domains(database, columns["globalTid"], columns["domainId"]))
    rest = ~operators
    range_names, range_codes = coded(
        name for name, is_operator in zip(names, operators, strict=True) if not is_operator
    )
    operator_names, operator_codes = coded(name for name, flag in zip(names, operators, strict=True) if flag)
    unknown = np.full(int(operators.sum()), np.nan)
    return NvtxEvents(
        ranges=HostRanges(
            names=range_names,
            name_codes=range_codes,
            thread_codes=thread_codes[rest],
            start_ns=start[rest],
            end_ns=end[rest],
            domains=domains or ("",),
            domain_codes=domain_codes[rest],
        ),
        operators=Operators(
            names=operator_names,
            name_codes=operator_codes,
            thread_codes=thread_codes[operators],
            start_ns=start[operators],
            end_ns=end[operators],
            input_bytes=unknown,
            flops=unknown,
        ),
        unclosed=int(unclosed.sum()),
    )


def _told_apart(texts: list[str], domains: _Integers) -> tuple[list[str], _Flags]:
    """Give names without what torch appends to them, and which of them are operators; torch uses no domain."""
    found: dict[str, tuple[str, bool]] = {}
    for text in set(texts):
        match = _TORCH.fullmatch(text)
        name = match["name"] if match else text
        marked = name != text and (_OPERATOR_NAME.match(name) or (match and match["sequence"]))
        found[text] = (name, bool(marked) or name.startswith("aten::"))
    pairs = [
        found[text] if domain <= 0 else (text, False) for text, domain in zip(texts, domains.tolist(), strict=True)
    ]
    return [name for name, _ in pairs], np.array([flag for _, flag in pairs], np.bool_)


def _domains(database: NsightDatabase, threads: _Integers, domains: _Integers) -> list[str]:
    """Give each event's domain by name; numbers of domains are unique in their process alone."""
    condition = f"eventType = {_DOMAIN_CREATED}"
    created = database.integers(_TABLE, ("eventType",), ("globalTid", "domainId"), condition)
    named = {
        (thread >> 24, domain): text
        for thread, domain, text in zip(
            created["globalTid"].tolist(),
            created["domainId"].tolist(),
            database.texts(_TABLE, "text", "textId", condition),
            strict=True,
        )
    }
    return [
        "" if domain <= 0 else named.get((thread >> 24, domain), f"domain {domain}")
        for thread, domain in zip(threads.tolist(), domains.tolist(), strict=True)
    ]
