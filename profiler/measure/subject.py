"""An implementation made ready to be called in this process, as a user would: its own data, its own grad mode."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from impls.case import ConvCase
from impls.contract import Call, ErrorBound, GradMode, Implementation, Switch
from impls.data import Data, as_given
from impls.user import resolve
from profiler.manifest import PlannedImplementation
from profiler.measure.blocks import Block, calls_for, lead_in, timed_block
from profiler.measure.device import Device, Processor

__all__ = ["Subject", "grad_context", "load", "prepared"]


@dataclass(frozen=True)
class Subject:
    """Hold a call, the grad mode it runs under, the contexts of its switches, and the bound its outputs are held to.

    `device` is where the call computes.
    """

    call: Call
    grad_mode: GradMode
    contexts: tuple[Callable[[], AbstractContextManager[Any]], ...] = ()
    error_bound: ErrorBound = "direct"
    device: Device = field(default_factory=Processor)

    @contextmanager
    def context(self) -> Iterator[None]:
        """Enter the grad mode and what switches need, outside what is timed."""
        with ExitStack() as stack:
            stack.enter_context(grad_context(self.grad_mode))
            for context in self.contexts:
                stack.enter_context(context())
            yield

    def block(self, calls: int) -> Block:
        """Time calls in one go, and one wait for the device at their end."""
        return timed_block(self.call, calls, finish=self.device.synchronize)

    def lead_in(self, calls: int, seconds_per_call: float) -> None:
        """Make the calls before a block of so many, and wait for the device."""
        lead_in(self.call, calls, seconds_per_call, self.device.synchronize)

    def calls_for(self, seconds_per_call: float) -> int:
        """Give the calls that fill a block on this device."""
        return calls_for(seconds_per_call, self.device.least_block_s)


def load(planned: PlannedImplementation) -> Implementation:
    """Find a planned implementation; raises UserFunctionError and whatever a reader's file raises."""
    return resolve(planned.source, planned.location, planned.name)


def prepared(
    implementation: Implementation,
    case: ConvCase,
    data: Data,
    switches: Sequence[Switch] = (),
    device: Device | None = None,
) -> Subject:
    """Prepare an implementation, with switches thrown or as it is, on copies of the data of its own.

    The copies lie on `device`, the CPU where none is given, which has nothing left to do when this returns. Preparing
    runs in torch's default grad mode, as it does for a user who builds a model before calling it.
    """
    device = device or Processor()
    prepare = implementation.prepare
    grad_mode, error_bound = implementation.grad_mode, implementation.error_bound
    for switch in switches:
        prepare = switch.prepare or prepare
        grad_mode = switch.grad_mode or grad_mode
        # A direct sum under a switch that may transform may be transformed, whatever other switches say.
        error_bound = "transform" if "transform" in (error_bound, switch.error_bound) else error_bound
    for switch in switches:
        prepare = switch.wrap(prepare) if switch.wrap is not None else prepare
    contexts = tuple(switch.context for switch in switches if switch.context is not None)
    call = prepare(case, *as_given(implementation, data, device.name))
    device.synchronize()
    return Subject(call, grad_mode, contexts, error_bound, device)


def grad_context(grad_mode: GradMode) -> AbstractContextManager[Any]:
    """Give a grad mode as a context."""
    import torch

    contexts: dict[GradMode, Callable[[], AbstractContextManager[Any]]] = {
        "inference": torch.inference_mode,
        "no_grad": torch.no_grad,
        "enabled": nullcontext,
    }
    return contexts[grad_mode]()
