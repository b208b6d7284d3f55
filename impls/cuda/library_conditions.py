"""F.conv2d on a CUDA device under another setting of torch's: how cuDNN chooses, TF32, or no cuDNN at all.

The setting is thrown around each call, which takes about a microsecond of it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from impls.aten import prepare_conv2d
from impls.case import ConvCase
from impls.contract import Availability, Call, ErrorBound, Implementation
from impls.cuda.device import cuda_device
from impls.cuda.settings import Setting, benchmark, cudnn_available, tf32
from impls.padding import PADDED_BEFOREHAND

__all__ = ["BENCHMARK", "DETERMINISTIC", "TF32", "WITHOUT_CUDNN", "WITHOUT_TF32"]


def _deterministic() -> Setting:
    from torch.backends import cudnn

    return Setting(cudnn, "deterministic", value=True)


def _without_cudnn() -> Setting:
    from torch.backends import cudnn

    return Setting(cudnn, "enabled", value=False)


def _under(
    make_setting: Callable[[], Setting],
    name: str,
    summary: str,
    error_bound: ErrorBound,
    available: Callable[[ConvCase], Availability] = cudnn_available,
) -> Implementation:
    """Make the implementation that calls F.conv2d under a setting."""

    def prepare(case: ConvCase, image: Any, weight: Any, bias: Any) -> Call:
        convolve, setting = prepare_conv2d(case, image, weight, bias), make_setting()

        def call() -> Any:
            with setting:
                return convolve()

        return call

    return Implementation(
        name=f"torch.conv2d[{name}]",
        family="library",
        arrays="torch",
        summary=summary,
        prepare=prepare,
        available=available,
        switches=(PADDED_BEFOREHAND,),
        primary=False,
        error_bound=error_bound,
        devices=("cuda",),
    )


BENCHMARK = _under(
    benchmark,
    "cudnn benchmark",
    "F.conv2d where cuDNN tries its algorithms at the first call and keeps the fastest",
    "library",
)

DETERMINISTIC = _under(
    _deterministic, "cudnn deterministic", "F.conv2d where cuDNN takes deterministic algorithms only", "library"
)

TF32 = _under(
    partial(tf32, allowed=True),
    "tf32",
    "F.conv2d where cuDNN may round inputs to TF32, which is torch's default, whatever is set",
    "tf32",
)

# In float32 cuDNN may choose Winograd's algorithm or an FFT.
WITHOUT_TF32 = _under(
    partial(tf32, allowed=False), "no tf32", "F.conv2d where cuDNN computes float32 in float32", "transform"
)

WITHOUT_CUDNN = _under(
    _without_cudnn,
    "no cudnn",
    "F.conv2d by torch's own CUDA kernels and cuBLAS, with cuDNN switched off around each call",
    "direct",
    lambda _case: cuda_device(),
)
