"""The fixed causes of a call's time, in the order every budget lists them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CAUSES", "CAUSE_IDS", "RESIDUAL", "Cause"]


@dataclass(frozen=True)
class Cause:
    """Name one cause and say in one line what it holds."""

    id: str
    meaning: str


RESIDUAL = "residual"

CAUSES: tuple[Cause, ...] = (
    Cause("interpreter", "executing Python bytecode and Python-level wrappers"),
    Cause("dispatch", "calling operators: argument parsing, dispatcher, descriptors, primitive look-up"),
    Cause("autograd", "keeping what a backward pass would need"),
    Cause("launch", "kernel launches that nothing hides"),
    Cause("idle", "waits of the device or of threads that nothing else explains"),
    Cause("threads", "parallel start, barriers, spinning"),
    Cause("allocation", "page faults of fresh memory"),
    Cause("traffic", "bytes moved beyond the compulsory ones: padding copies, temporaries, reorders"),
    Cause("arithmetic", "work beyond the floor: algorithm, vectorisation, wasted lanes"),
    Cause("floor", "what the convolution takes at this machine's limits"),
    Cause(RESIDUAL, "what no cause explains"),
)

CAUSE_IDS: tuple[str, ...] = tuple(cause.id for cause in CAUSES)
