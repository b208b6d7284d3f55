"""The stacks of one implementation's CPU samples, as a file beside its trace: sampling leaves it, tables read it."""

from __future__ import annotations

import msgspec

__all__ = ["JIT", "KERNEL", "VDSO", "Frame", "Stack", "Stacks"]

# Libraries that are no file.
KERNEL, VDSO, JIT = "[kernel]", "[vdso]", "[jit]"


class Frame(msgspec.Struct, frozen=True):
    """Name a function and the base name of the shared object that holds it; '' for what is not known."""

    symbol: str
    library: str


class Stack(msgspec.Struct, frozen=True):
    """Count the samples of one stack; `frames` are places in the list of frames, the innermost first."""

    count: int
    frames: tuple[int, ...]


class Stacks(msgspec.Struct, frozen=True):
    """Hold the distinct stacks of the calling thread; `others` counts samples of other threads beside them."""

    frames: list[Frame]
    stacks: list[Stack]
    others: int
