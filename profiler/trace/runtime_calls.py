"""What the calls of a device's runtime do, told from their names: CUDA's runtime and driver, and HIP."""

from __future__ import annotations

import re
from typing import Literal, get_args

__all__ = ["RUNTIME_CATEGORIES", "RUNTIME_WORKS", "RuntimeWork", "runtime_work"]

RuntimeWork = Literal["kernel_launches", "graph_launches", "memcpys", "memsets", "synchronizations"]

RUNTIME_WORKS: tuple[RuntimeWork, ...] = get_args(RuntimeWork)
RUNTIME_CATEGORIES = ("cuda_runtime", "cuda_driver")

_PREFIX = r"(?:cuda|cu|hip)"
_PATTERNS: tuple[tuple[RuntimeWork, re.Pattern[str]], ...] = (
    ("graph_launches", re.compile(rf"{_PREFIX}GraphLaunch")),
    ("kernel_launches", re.compile(rf"{_PREFIX}(?:Ext)?(?:Module)?Launch(?:Cooperative)?Kernel")),
    ("memcpys", re.compile(rf"{_PREFIX}Memcpy")),
    ("memsets", re.compile(rf"{_PREFIX}Memset")),
    ("synchronizations", re.compile(rf"{_PREFIX}\w*Synchronize")),
)


def runtime_work(name: str) -> RuntimeWork | None:
    """Say what a runtime call of this name does; None for one that only asks or sets something."""
    return next((work for work, pattern in _PATTERNS if pattern.match(name)), None)
