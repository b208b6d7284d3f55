"""What kind of work a kernel does, told from its name: data, the first rule that fits decides."""

from __future__ import annotations

import functools
import re
from typing import Literal

__all__ = ["KernelKind", "kernel_kind"]

KernelKind = Literal["communication", "layout", "compute"]

# Names are those of NCCL and RCCL, cuDNN, MIOpen, CUTLASS, ATen and XLA.
_RULES: tuple[tuple[KernelKind, re.Pattern[str]], ...] = (
    ("communication", re.compile(r"nccl|rccl|nvshmem|all_?reduce", re.IGNORECASE)),
    (
        "layout",
        re.compile(
            r"nchwToNhwc|nhwcToNchw|NchwToNhwc|_transpose|transpose_|[Tt]ransposeKernel|direct_copy_kernel|CatArray"
            r"|im2col|col2im|vol2col|(reflection|replication|constant)_pad|FillFunctor|memcpy|memset|[Rr]eorder|addPadding"
            r"|LoadWithCast.*copy|copy_kernel|SubTensorOp|convertTensor|tensorTransformGeneric",
        ),
    ),
)


@functools.cache
def kernel_kind(name: str) -> KernelKind:
    """Say whether a kernel moves data between devices, only rearranges it in memory, or computes."""
    return next((kind for kind, pattern in _RULES if pattern.search(name)), "compute")
