"""Asks torch which backend it chooses for each convolution of a call."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from profiler.capture.torch_operators import is_decomposed

__all__ = ["BackendWatch"]

# Operators of one backend, for whoever calls them directly; names as in torch's ConvBackend.
_OF_ONE_BACKEND = {
    "aten::mkldnn_convolution": "Mkldnn",
    "aten::_slow_conv2d_forward": "Slow2d",
    "aten::slow_conv_dilated2d": "SlowDilated2d",
    "aten::_nnpack_spatial_convolution": "NnpackSpatial",
}


class BackendWatch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Note in `backends`, while it is the current mode, what torch chooses for each convolution.

    The operators seen are those of the call, so it serves a reader's function as well as the library's own.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.backends: list[str] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        name = func._schema.name
        if name != "aten::convolution" and is_decomposed(func):
            with self:
                return func.decompose(*args, **named)
        if name == "aten::convolution":
            self.backends.append(_chosen(*args, **named))
        elif name in _OF_ONE_BACKEND:
            self.backends.append(_OF_ONE_BACKEND[name])
        return func(*args, **named)


def _chosen(*convolution: Any, **named: Any) -> str:
    """Name the backend for the arguments of `aten::convolution`; '' where this torch does not say.

    The question is a private one, which another version may not have or may ask otherwise.
    """
    select = getattr(torch._C, "_select_conv_backend", None)
    if select is None:
        return ""
    try:
        return str(select(*convolution, **named, bias_sizes=None)).rpartition(".")[2]
    except (TypeError, RuntimeError):
        return ""
