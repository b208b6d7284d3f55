"""An implementation made ready to be called in this process, as a user would: its own data, its own grad mode."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from impls.case import ConvCase
from impls.contract import Call, GradMode, Implementation, Switch
from impls.data import Data, as_given
from impls.user import resolve
from profiler.manifest import PlannedImplementation

__all__ = ["Subject", "grad_context", "load", "prepared"]


@dataclass(frozen=True)
class Subject:
    """Hold a call and the grad mode it runs under."""

    call: Call
    grad_mode: GradMode

    def context(self) -> AbstractContextManager[Any]:
        """Give the grad mode as a context, to be entered outside what is timed."""
        return grad_context(self.grad_mode)


def load(planned: PlannedImplementation) -> Implementation:
    """Find a planned implementation; raises UserFunctionError and whatever a reader's file raises."""
    return resolve(planned.source, planned.location, planned.name)


def prepared(implementation: Implementation, case: ConvCase, data: Data, switch: Switch | None = None) -> Subject:
    """Prepare an implementation, or one of its switches, on copies of the data of its own.

    Preparing runs in torch's default grad mode, as it does for a user who builds a model before calling it.
    """
    prepare = implementation.prepare
    grad_mode = implementation.grad_mode
    if switch is not None:
        prepare = switch.prepare or prepare
        grad_mode = switch.grad_mode or grad_mode
    return Subject(prepare(case, *as_given(implementation, data)), grad_mode)


def grad_context(grad_mode: GradMode) -> AbstractContextManager[Any]:
    """Give a grad mode as a context."""
    import torch

    contexts: dict[GradMode, Callable[[], AbstractContextManager[Any]]] = {
        "inference": torch.inference_mode,
        "no_grad": torch.no_grad,
        "enabled": nullcontext,
    }
    return contexts[grad_mode]()
