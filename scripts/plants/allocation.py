"""Fresh memory, touched page by page: the cost of its faults is what the same costs less on memory that is kept."""

from __future__ import annotations

import mmap

import numpy as np
import torch
from plants.plant import Plant, Work

__all__ = ["FILLED", "MAPPED", "mapped", "mapped_once"]

_BEYOND_HEAP = 10_000_000  # float32; glibc maps blocks of more than 32 MiB anew whatever it has seen


def mapped(amount: int) -> Work:
    """Map so many pages, write to each, and give them back."""

    def work(_: object) -> object:
        with mmap.mmap(-1, amount * mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as region:
            pages = np.frombuffer(region, np.uint8)[:: mmap.PAGESIZE]
            pages[:] = 1
            del pages
        return None

    return work


def mapped_once(amount: int) -> Work:
    """Do the same on one mapping that is kept, and map another without touching it."""
    kept = mmap.mmap(-1, amount * mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)

    def work(_: object) -> object:
        pages = np.frombuffer(kept, np.uint8)[:: mmap.PAGESIZE]
        pages[:] = 1
        del pages
        return None

    return work


def _filled(amount: int) -> Work:
    def work(_: object) -> object:
        return torch.empty(_BEYOND_HEAP)[: amount * 1024].fill_(1.0)

    return work


def _refilled(amount: int) -> Work:
    kept = torch.empty(_BEYOND_HEAP)

    def work(_: object) -> object:
        return kept[: amount * 1024].fill_(1.0)

    return work


MAPPED = Plant("mapped_pages", mapped, {"allocation": ((1, mapped), (-1, mapped_once))}, unit=50, smallest_s=500e-6)
FILLED = Plant("filled_pages", _filled, {"allocation": ((1, _filled), (-1, _refilled))}, unit=50, smallest_s=500e-6)
