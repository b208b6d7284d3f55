"""What the claims are about, by name: the library, the article's layer, and the classes of manual implementations."""

from __future__ import annotations

import re

__all__ = ["CLASSES", "COMPILED", "LIBRARY", "LOOP_ON_CPU", "MODULE", "OPENCL", "class_of", "unoptimised"]

LIBRARY = "torch.conv2d"
MODULE = "article.module"
LOOP_ON_CPU = "article.torch_loop[cpu]"  # beside a device's run: what it computes, it computes elsewhere
COMPILED = "compiled code"
OPENCL = "OpenCL kernels on the processor"

# The first class whose pattern a name fits, in the order in which a reader meets them.
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (COMPILED, re.compile(r"(c|numba)\.|.*\bcompile")),
    (OPENCL, re.compile(r"opencl\.")),
    ("GPU kernels", re.compile(r"(cuda|triton)\.")),
    ("per-pixel loops", re.compile(r".*[._]loop($|\[)")),
    ("NumPy operations", re.compile(r"numpy\.")),
    ("torch operators", re.compile(r"torch\.")),
)
_OTHERS = "other implementations"
CLASSES = (*(name for name, _ in _PATTERNS[1:]), COMPILED, _OTHERS)


def class_of(name: str) -> str:
    """Give the class of a manual implementation by its name."""
    return next((kind for kind, pattern in _PATTERNS if pattern.match(name)), _OTHERS)


def unoptimised(name: str) -> str:
    """Name the same source compiled with -O0."""
    return f"{name.partition('[')[0]}[-O0]"
