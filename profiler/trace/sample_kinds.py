"""Classes CPU samples: from a stack to the kind of work it was, and from the kind to a cause.

The innermost frame that is somebody decides (`profiler.trace.sample_rules`). Where the leaf works for anyone, the
context does: memory that the interpreter takes for its own objects is the interpreter's, any other page fault is
allocation; a block from the allocator's free lists is part of what asked for it; bytes moved inside a loop are a copy;
an interrupt belongs to what it interrupted; a wait inside a threading runtime is the threads'; what torch's autograd
asks of its tensors and of Python, before it hands over to the operator itself, is autograd's.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from profiler.stacks import KERNEL, Frame
from profiler.trace.sample_rules import (
    CALLING,
    EVALUATION,
    HAND_OVER,
    MAPPING,
    MAPPING_CALL,
    MEMORY_MOVES,
    MOVING_OPERATOR,
    PAGE_FAULT,
    PASSED_OVER,
    PYTHON_MEMORY,
    RULES,
    TAKING_MEMORY,
    USER_BUFFER,
    WAIT,
    Rule,
)

__all__ = ["KINDS", "UNCLASSIFIED", "Classified", "Kind", "cause_of", "classify"]


@dataclass(frozen=True)
class Kind:
    """Name one class of samples, the cause it is put down to, and say what it holds."""

    id: str
    cause: str
    meaning: str


UNCLASSIFIED = "unclassified"

KINDS: tuple[Kind, ...] = (
    Kind("interpreter", "interpreter", "bytecode, Python's objects and the memory they take"),
    Kind("calling", "calling", "the interpreter's way to a call, an attribute or an item, and back"),
    Kind("bindings", "dispatch", "argument parsing, wrapping, NumPy's machinery, foreign-function calls"),
    Kind("dispatcher", "dispatch", "torch's dispatcher, tensors' bookkeeping, iterators set up"),
    Kind("onednn_setup", "dispatch", "oneDNN's descriptors, primitives made and looked up"),
    Kind("autograd", "autograd", "what a backward pass would need"),
    Kind("blas", "compute", "matrix products of a BLAS library"),
    Kind("jit", "compute", "code generated while running, oneDNN's kernels among it"),
    Kind("kernel", "compute", "loops over elements in torch and NumPy"),
    Kind("own_code", "compute", "compiled code that the implementation brought"),
    Kind("copy", "traffic", "copies, fills, reorders, columns"),
    Kind("page_fault", "allocation", "pages of fresh memory"),
    Kind("mapping", "allocation", "memory mapped, unmapped and given back"),
    Kind("malloc", "allocation", "the allocator, called by nobody known"),
    Kind("threads", "threads", "parallel start, barriers, spinning"),
    Kind("waiting", "idle", "entering and leaving waits"),
    Kind(UNCLASSIFIED, "residual", "code that no rule knows"),
)

_CAUSES = {kind.id: kind.cause for kind in KINDS}
# Kinds in which bytes moved by the C library are the work itself; elsewhere they are a few of bookkeeping.
_MOVES_DATA = ("kernel", "own_code", "copy", "blas", "jit")
# Kinds that work for whoever asks.
_SERVING = ("dispatcher", "bindings")


@dataclass(frozen=True)
class Classified:
    """Hold a stack's kind and the frame that decided."""

    kind: str
    frame: Frame


def cause_of(kind: str) -> str:
    """Give the cause of a kind; raises KeyError."""
    return _CAUSES[kind]


def classify(frames: Sequence[Frame]) -> Classified:
    """Class a stack, the innermost frame first."""
    if not frames:
        return Classified(UNCLASSIFIED, Frame("", ""))
    outer = [frame for frame in frames if frame.library != KERNEL]
    kernel = " ".join(frame.symbol for frame in frames if frame.library == KERNEL)
    if kernel and frames[0].library == KERNEL:
        if PAGE_FAULT.search(kernel):
            return _memory("page_fault", outer, frames[0])
        if MAPPING.search(kernel):
            return _memory("mapping", outer, frames[0])
        if WAIT.search(kernel):
            return _wait(outer, frames[0])
    if outer and MAPPING_CALL.search(outer[0].symbol):
        return _memory("mapping", outer, frames[0])
    return _user(outer, frames[0])


def _user(frames: Sequence[Frame], leaf: Frame) -> Classified:
    found = next(((kind, frame) for frame in frames if (kind := _kind(frame)) != PASSED_OVER), None)
    first = frames[0] if frames else leaf
    if found is None:
        return Classified(_of_nobody(frames, first), first)
    kind, frame = found
    if kind == "interpreter" and EVALUATION.search(frame.symbol) and (way := _way(frames)) is not None:
        return Classified("calling", way)
    if kind == "waiting":
        return _wait(frames, frame)
    if frame is not first and MEMORY_MOVES.search(first.symbol):
        moving = kind in _MOVES_DATA or (kind == "dispatcher" and MOVING_OPERATOR.search(frame.symbol))
        return Classified("copy" if moving else kind, frame)
    if kind in _SERVING and _for_gradients(frames[frames.index(frame) + 1 :]):
        return Classified("autograd", frame)
    return Classified(kind, frame)


def _of_nobody(frames: Sequence[Frame], first: Frame) -> str:
    """Give the kind of a stack in which every frame works for its caller."""
    if any(EVALUATION.search(frame.symbol) or _is_python(frame) for frame in frames):
        return "interpreter"  # the stack was cut before the loop that asked for it
    return "malloc" if TAKING_MEMORY.search(first.symbol) else UNCLASSIFIED


def _for_gradients(outer: Sequence[Frame]) -> bool:
    """Say whether autograd asked for it, and not the operator that it hands over to."""
    for frame in outer:
        if _kind(frame) == "autograd":
            return True
        if HAND_OVER.search(frame.symbol) or _is_python(frame):
            return False
    return False


def _way(frames: Sequence[Frame]) -> Frame | None:
    """Give the function between the loop and what it called, if that is all there is but for taking memory."""
    inner = next((frame for frame in frames if not _takes_memory(frame)), None)
    return inner if inner is not None and CALLING.search(inner.symbol) else None


def _takes_memory(frame: Frame) -> bool:
    return not _is_python(frame) or PYTHON_MEMORY.search(frame.symbol) is not None


def _memory(kind: str, frames: Sequence[Frame], leaf: Frame) -> Classified:
    """Tell memory for the interpreter's own objects from memory for data."""
    for frame in frames:
        if _is_python(frame):
            if USER_BUFFER.search(frame.symbol):
                return Classified(kind, frame)
            if EVALUATION.search(frame.symbol):
                return Classified("interpreter", frame)
        elif (known := _kind(frame)) != PASSED_OVER:
            own = known == "interpreter" and not frame.library.startswith(("mmap.", "array."))
            return Classified("interpreter" if own else kind, frame)
    if any(map(_is_python, frames)):
        return Classified("interpreter", next(filter(_is_python, frames)))
    return Classified(kind, frames[0] if frames else leaf)


def _wait(frames: Sequence[Frame], leaf: Frame) -> Classified:
    running = next((frame for frame in frames if _kind(frame) == "threads"), None)
    if running is not None:
        return Classified("threads", running)
    return Classified("waiting", next((frame for frame in frames if _kind(frame) != PASSED_OVER), leaf))


def _kind(frame: Frame) -> str:
    return _rule(frame).kind


def _is_python(frame: Frame) -> bool:
    return _rule(frame).name in ("C API", "evaluation loop")


@functools.cache
def _rule(frame: Frame) -> Rule:
    return next(rule for rule in RULES if rule.fits(frame.symbol, frame.library))
