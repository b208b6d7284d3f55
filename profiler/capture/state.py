"""The process's global state, which captures must leave as they found it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

__all__ = ["SETTINGS", "Setting", "State", "describe_changes", "restore", "snapshot"]

State = dict[str, Any]


@dataclass(frozen=True)
class Setting:
    """Name one piece of global state, how it is read, and how it is set again (None where it cannot be)."""

    name: str
    read: Callable[[], Any]
    write: Callable[[Any], Any] | None = None


def _keeps_denormals() -> bool:
    """Say whether this thread computes with denormal numbers; torch sets the processor's flag, but cannot read it."""
    smallest_normal = sys.float_info.min
    return smallest_normal / 2 > 0


def _set_mkldnn(enabled: bool) -> None:
    torch.backends.mkldnn.set_flags(enabled)  # type: ignore[no-untyped-call]


def _set_cudnn(flags: tuple[bool, bool, bool]) -> None:
    enabled, benchmark, deterministic = flags
    torch.backends.cudnn.set_flags(enabled, benchmark, None, deterministic)  # type: ignore[no-untyped-call]


SETTINGS: tuple[Setting, ...] = (
    Setting("torch threads", torch.get_num_threads, torch.set_num_threads),
    Setting("grad mode", torch.is_grad_enabled, torch.set_grad_enabled),
    Setting("inference mode", torch.is_inference_mode_enabled),
    Setting("running profiler", torch._C._autograd._profiler_enabled),
    Setting("oneDNN", torch._C._get_mkldnn_enabled, _set_mkldnn),
    Setting(
        "cuDNN",
        lambda: (
            torch.backends.cudnn.enabled,
            torch.backends.cudnn.benchmark,
            torch.backends.cudnn.deterministic,
        ),
        _set_cudnn,
    ),
    Setting(
        "deterministic algorithms",
        torch.are_deterministic_algorithms_enabled,
        torch.use_deterministic_algorithms,
    ),
    Setting("default dtype", torch.get_default_dtype, torch.set_default_dtype),
    Setting("denormal numbers", _keeps_denormals, lambda kept: torch.set_flush_denormal(not kept)),
    Setting("NumPy's error handling", np.geterr, lambda handling: np.seterr(**handling)),
    Setting("trace function", sys.gettrace, sys.settrace),
    Setting("profile function", sys.getprofile, sys.setprofile),
)


def snapshot() -> State:
    """Read every setting."""
    return {setting.name: setting.read() for setting in SETTINGS}


def describe_changes(before: State, after: State) -> list[str]:
    """Name each setting that changed, with both values."""
    return [f"{name} ({value} before, {after[name]} after)" for name, value in before.items() if after[name] != value]


def restore(before: State) -> None:
    """Set what changed back to what it was, where that is possible."""
    for setting in SETTINGS:
        if setting.write is not None and setting.read() != before[setting.name]:
            setting.write(before[setting.name])
