"""An implementation made ready to be called in this process, as a user would: its own data, its own grad mode."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from impls.case import ConvCase
from impls.contract import Call, ErrorBound, GradMode, Implementation, Switch
from impls.data import Data, as_given
from impls.user import resolve
from profiler.manifest import PlannedImplementation

__all__ = ["Subject", "grad_context", "load", "prepared"]


@dataclass(frozen=True)
class Subject:
    """Hold a call, the grad mode it runs under, the contexts of its switches, and the bound its outputs are held to."""

    call: Call
    grad_mode: GradMode
    contexts: tuple[Callable[[], AbstractContextManager[Any]], ...] = ()
    error_bound: ErrorBound = "direct"

    @contextmanager
    def context(self) -> Iterator[None]:
        """Enter the grad mode and what switches need, outside what is timed."""
        with ExitStack() as stack:
            stack.enter_context(grad_context(self.grad_mode))
            for context in self.contexts:
                stack.enter_context(context())
            yield


def load(planned: PlannedImplementation) -> Implementation:
    """Find a planned implementation; raises UserFunctionError and whatever a reader's file raises."""
    return resolve(planned.source, planned.location, planned.name)


def prepared(implementation: Implementation, case: ConvCase, data: Data, switches: Sequence[Switch] = ()) -> Subject:
    """Prepare an implementation, with switches thrown or as it is, on copies of the data of its own.

    Preparing runs in torch's default grad mode, as it does for a user who builds a model before calling it.
    """
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
    call = prepare(case, *as_given(implementation, data))
    return Subject(call, grad_mode, contexts, error_bound)


def grad_context(grad_mode: GradMode) -> AbstractContextManager[Any]:
    """Give a grad mode as a context."""
    import torch

    contexts: dict[GradMode, Callable[[], AbstractContextManager[Any]]] = {
        "inference": torch.inference_mode,
        "no_grad": torch.no_grad,
        "enabled": nullcontext,
    }
    return contexts[grad_mode]()
