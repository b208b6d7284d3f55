"""The range around one profiled call, seen by torch's profiler and by NVTX tools alike."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from types import TracebackType
from typing import Any, Self

import nvtx
from torch.autograd.profiler import record_function

from profiler.labels import CallLabel, write_label

__all__ = ["NVTX_DOMAIN", "LabelledRange"]

NVTX_DOMAIN = "convprof"


class LabelledRange:
    """Mark one call with its label, its number being the payload that NVTX tools show beside the name.

    What NVTX needs is built beforehand, so that entering costs under a microsecond.
    """

    def __init__(self, label: CallLabel) -> None:
        self.text = write_label(label)
        self._nvtx: AbstractContextManager[Any] = nvtx.annotate(self.text, domain=NVTX_DOMAIN, payload=label.call)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(self._nvtx)
        self._stack.enter_context(record_function(self.text))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)
