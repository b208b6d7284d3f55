"""What the library does inside a call, in its own words: the backend torch chooses, the primitives oneDNN runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

import pandas as pd

from profiler.records import LibraryPath
from profiler.tables.inputs import Inputs
from profiler.tables.library_words import backend_words, line_words
from profiler.tables.schema import Table, count, number, text
from profiler.trace.onednn import PARTS, Line, Spoken

__all__ = ["BACKEND", "LATER", "LIBRARY_PATH", "build"]

BACKEND = "backend"
LATER = PARTS[-1]

LIBRARY_PATH = Table(
    "library_path",
    "one step inside the library: a backend that torch chose, or a primitive that oneDNN made or ran",
    (
        text("implementation", "name of the implementation"),
        text("case", "case name"),
        text("device", "cpu or cuda"),
        count("threads", "threads allowed"),
        text("call", "prepare, first (the process's first call) or later (one after it)"),
        count("step", "place in the order of steps, 1 first"),
        text("kind", "backend (torch's choice), create (a primitive made or found) or exec (a primitive run)"),
        text(
            "cache",
            "of create: miss where the primitive was made anew, hit where oneDNN's cache had it, from an earlier call "
            "of another implementation too",
        ),
        text("primitive", "backend's name in torch, or primitive in oneDNN: convolution, reorder and others"),
        text("primitive_implementation", "which of oneDNN's implementations, such as jit:avx512_core"),
        text("propagation", "forward_training, forward_inference or another; empty for a reorder"),
        text("algorithm", "such as convolution_direct"),
        text("source_layout", "layout of the source as oneDNN writes it: abcd is N, C, H, W; a digit is a block"),
        text("weights_layout", "layout of the weights"),
        text("destination_layout", "layout of the destination"),
        text("problem", "the problem as oneDNN writes it"),
        count("calls", "times in the call that the same step was seen; at least, where the output was cut"),
        number(
            "time_ms",
            "median by oneDNN's own clock, with its verbose output on: shows the order of size, no claim rests on it",
            "ms",
        ),
        text("words", "the step in a sentence"),
    ),
)


def build(inputs: Inputs) -> pd.DataFrame:
    """Give each implementation's steps in their order; what was looked into twice has the rows of the last time."""
    latest = {(each.implementation, each.case, each.threads): each for each in inputs.library_paths}
    rows: list[dict[str, Any]] = []
    for each in latest.values():
        spoken = inputs.spoken(each)
        if spoken is None:
            continue
        steps = [*_backends(each, spoken), *_lines(spoken)]
        rows += [{**_key(each), "step": place, **step} for place, step in enumerate(steps, start=1)]
    return LIBRARY_PATH.frame(rows)


def _key(each: LibraryPath) -> dict[str, Any]:
    return {
        "implementation": each.implementation,
        "case": each.case,
        "device": each.device,
        "threads": each.threads,
    }


_NOTHING = dict.fromkeys(
    (
        *("cache", "primitive_implementation", "propagation", "algorithm"),
        *("source_layout", "weights_layout", "destination_layout", "problem"),
    ),
    "",
)


def _backends(each: LibraryPath, spoken: Spoken) -> Iterable[dict[str, Any]]:
    for name in dict.fromkeys(filter(None, each.backends)):
        yield {
            **_NOTHING,
            "call": LATER,
            "kind": BACKEND,
            "primitive": name,
            "calls": each.backends.count(name),
            "time_ms": None,
            "words": backend_words(name, spoken),
        }


def _lines(spoken: Spoken) -> Iterable[dict[str, Any]]:
    """Give a row for all lines of a call that differ in their time only, in the order of the first."""
    alike: dict[tuple[Any, ...], list[Line]] = {}
    for line in spoken.lines:
        alike.setdefault(_identity(line), []).append(line)
    return [_row(lines) for lines in alike.values()]


def _identity(line: Line) -> tuple[Any, ...]:
    named = (line.part, line.operation, line.cache, line.primitive, line.implementation, line.propagation)
    return (*named, tuple(line.layouts.items()), line.algorithm, line.problem)


def _row(lines: Sequence[Line]) -> dict[str, Any]:
    line = lines[0]
    return {
        "call": line.part,
        "kind": line.operation,
        "cache": line.cache,
        "primitive": line.primitive,
        "primitive_implementation": line.implementation,
        "propagation": line.propagation,
        "algorithm": line.algorithm,
        "source_layout": line.layouts.get("src", ""),
        "weights_layout": line.layouts.get("wei", ""),
        "destination_layout": line.layouts.get("dst", ""),
        "problem": line.problem,
        "calls": len(lines),
        "time_ms": median(each.milliseconds for each in lines),
        "words": line_words(line),
    }
