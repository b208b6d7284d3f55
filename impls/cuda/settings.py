"""Torch's settings for convolutions on a CUDA device, thrown for a while by its public attributes and put back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from impls.case import ConvCase
from impls.contract import AVAILABLE, Availability, Switch
from impls.cuda.device import cuda_device

__all__ = ["CUDNN_BENCHMARK", "Setting", "benchmark", "cudnn_available", "tf32"]


@dataclass
class Setting:
    """Set one attribute of a module on entering and put back what it was on leaving; may be entered again after."""

    owner: Any
    name: str
    value: Any
    _before: Any = field(default=None, init=False)

    def __enter__(self) -> None:
        """Set it."""
        self._before = getattr(self.owner, self.name)
        setattr(self.owner, self.name, self.value)

    def __exit__(self, *_error: object) -> None:
        """Put back what it was."""
        setattr(self.owner, self.name, self._before)


def benchmark() -> Setting:
    """Let cuDNN try its algorithms on a problem it has not seen and keep the fastest."""
    from torch.backends import cudnn

    return Setting(cudnn, "benchmark", value=True)


def tf32(*, allowed: bool) -> Setting:
    """Allow or forbid TF32 in convolutions; where torch has no setting of theirs (before 2.9), in all of cuDNN."""
    from torch.backends import cudnn

    if hasattr(cudnn, "conv"):
        return Setting(cudnn.conv, "fp32_precision", "tf32" if allowed else "ieee")
    return Setting(cudnn, "allow_tf32", allowed)


def cudnn_available(_case: ConvCase) -> Availability:
    """Ask for a CUDA device and a torch that has cuDNN."""
    device = cuda_device()
    if not device.available:
        return device
    import torch

    if not torch.backends.cudnn.is_available():  # type: ignore[no-untyped-call]
        return Availability.no("this torch is built without cuDNN, so that its settings change nothing")
    return AVAILABLE


CUDNN_BENCHMARK = Switch(
    name="cudnn_benchmark",
    cause="arithmetic",
    summary="cuDNN tries its algorithms on the case at the first call and keeps the fastest",
    context=benchmark,
    available=cudnn_available,
    devices=("cuda",),
)
