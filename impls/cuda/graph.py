"""Replay of a CUDA graph: what a call launches, recorded once beforehand, started by one call of the driver.

A graph writes where it wrote when it was captured, so that every replay gives the same memory. As each call owes a
fresh output, the call copies it, which is a launch of its own beside the graph's; the switch `output_buffer` leaves
that out.
Not run without a GPU; the order of its steps is torch's own recipe (notes on CUDA, "CUDA Graphs").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from impls.case import ConvCase
from impls.contract import Availability, Call, Implementation, Switch
from impls.cuda.device import cuda_device

__all__ = ["Captured", "capture", "replayed"]

_WARM_UPS = 3  # on a stream of their own: what a first call sets up must not be captured


@dataclass(frozen=True)
class Captured:
    """Hold a graph's replay, its output, and the call, whose tensors the graph reads without keeping them alive."""

    replay: Callable[[], None]
    output: Any
    source: Call


def capture(call: Call, cuda: Any) -> Captured:
    """Record what a call launches.

    `cuda` is torch.cuda, or what has its names. Raises RuntimeError where something in the call cannot be captured.
    """
    side = cuda.Stream()
    side.wait_stream(cuda.current_stream())
    with cuda.stream(side):
        for _ in range(_WARM_UPS):
            call()
    cuda.current_stream().wait_stream(side)
    graph = cuda.CUDAGraph()
    with cuda.graph(graph):
        output = call()
    return Captured(graph.replay, output, call)


def replayed(implementation: Implementation) -> Implementation:
    """Make the implementation that captures another's call once and replays it."""
    return replace(
        implementation,
        name=f"cuda.graph[{implementation.name}]",
        summary=f"CUDA-graph replay of {implementation.name}, and a copy of its output, always the same buffer",
        prepare=partial(_prepare, implementation),
        available=partial(_available, implementation),
        switches=(
            Switch(
                name="output_buffer",
                cause="allocation",
                summary="the graph's own output, which the next call overwrites, instead of a copy",
                prepare=partial(_prepare, implementation, reuse=True),
                devices=("cuda",),
            ),
        ),
        devices=("cuda",),
    )


def _prepare(
    implementation: Implementation, case: ConvCase, image: Any, weight: Any, bias: Any, *, reuse: bool = False
) -> Call:
    import torch

    with torch.inference_mode():
        captured = capture(implementation.prepare(case, image, weight, bias), torch.cuda)

    def call() -> Any:
        captured.replay()
        return captured.output if reuse else captured.output.clone()

    return call


def _available(implementation: Implementation, case: ConvCase) -> Availability:
    answer = implementation.available(case)
    return cuda_device() if answer.available else answer
