"""The fixed causes of a call's time, in the order every budget lists them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CAUSES", "CAUSE_IDS", "RESIDUAL", "Cause"]


@dataclass(frozen=True)
class Cause:
    """Name one cause and say in one line what it holds."""

    id: str
    meaning: str
    on_device: str = ""

    def told(self, device: str) -> str:
        """Say what it holds in a run on a device, by torch's name for it."""
        return self.on_device if self.on_device and device != "cpu" else self.meaning


RESIDUAL = "residual"

CAUSES: tuple[Cause, ...] = (
    Cause(
        "interpreter",
        "executing Python bytecode and Python-level wrappers",
        "the device idle while the host is in Python",
    ),
    Cause(
        "dispatch",
        "calling operators: argument parsing, dispatcher, descriptors, primitive look-up",
        "the device idle while the host is in an operator, or in calls of the runtime that launch nothing",
    ),
    Cause("autograd", "keeping what a backward pass would need"),
    Cause("launch", "kernel launches that nothing hides", "the device idle while a launch is made or on its way"),
    Cause(
        "idle",
        "waits of the device or of threads that nothing else explains",
        "gaps between two pieces of queued work, and the device idle while the host waits for it",
    ),
    Cause("threads", "parallel start, barriers, spinning"),
    Cause("allocation", "page faults of fresh memory", "the device idle while its memory is taken or returned"),
    Cause(
        "traffic",
        "bytes moved beyond the compulsory ones: padding copies, temporaries, reorders",
        "copies, sets, kernels that only move data, and what others read and write beyond the compulsory bytes",
    ),
    Cause(
        "arithmetic",
        "work beyond the floor: algorithm, vectorisation, wasted lanes",
        "kernels beyond the floor and the traffic: algorithm, wasted lanes, too little work for the device",
    ),
    Cause("floor", "what the convolution takes at this machine's limits", "what it takes at the device's limits"),
    Cause(RESIDUAL, "what no cause explains"),
)

CAUSE_IDS: tuple[str, ...] = tuple(cause.id for cause in CAUSES)
