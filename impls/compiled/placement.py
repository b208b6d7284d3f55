"""Where an output lies relative to the image: a store delays loads that share its place in 4 kB.

Processors compare the low 12 bits of addresses to find loads that must wait for a store before them. Where rows lie
4 kB apart, as those of a 1024-wide image do, an output that begins where the image does in its page makes many loads
wait for stores that have nothing to do with them. Source: A. Fog, The microarchitecture of Intel, AMD and VIA CPUs, on
false memory dependence ("4K aliasing").
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

__all__ = ["PAGE", "empty_apart"]

PAGE = 4096
# Apart from the rows above and below as well, where rows lie a half or a quarter of a page apart.
_APART = 3 * PAGE // 8


def empty_apart(shape: tuple[int, ...], dtype: np.dtype[Any], address: int) -> Any:
    """Make an array of undefined values, aligned to a cache line, that begins 1.5 kB after `address` modulo 4 kB."""
    size = prod(shape)
    memory = np.empty(size + PAGE // dtype.itemsize, dtype)
    line = 64
    wanted = (address + _APART) // line * line
    start = (wanted - memory.__array_interface__["data"][0]) % PAGE // dtype.itemsize
    return memory[start : start + size].reshape(shape)
