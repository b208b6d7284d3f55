"""Copies of the image: their bytes are traffic, calling the operator is dispatch, told apart by copying one number.

On the larger case only: copying one number takes a path of its own, which matters where the image is small.
"""

from __future__ import annotations

import torch
from plants.plant import Plant, Work
from torch.nn import functional

__all__ = ["CLONES", "PADDED", "clones", "clones_of_nothing"]


def clones(amount: int) -> Work:
    """Copy the image into kept memory."""
    kept: dict[torch.Size, torch.Tensor] = {}

    def work(image: torch.Tensor) -> object:
        if image.shape not in kept:
            kept[image.shape] = torch.empty_like(image)
        target = kept[image.shape]
        for _index in range(amount):
            target.copy_(image)
        return target

    return work


def clones_of_nothing(amount: int) -> Work:
    """Copy one number as often."""
    source, target = torch.ones(1), torch.ones(1)

    def work(_: object) -> object:
        for _index in range(amount):
            target.copy_(source)
        return target

    return work


def _padded(amount: int) -> Work:
    def work(image: torch.Tensor) -> object:
        for _index in range(amount):
            padded = functional.pad(image, (1, 1, 1, 1))
        return padded

    return work


def _padded_nothing(amount: int) -> Work:
    number = torch.ones(1, 1, 1, 1)

    def work(_: object) -> object:
        for _index in range(amount):
            padded = functional.pad(number, (1, 1, 1, 1))
        return padded

    return work


CLONES = Plant("copies", clones, {"traffic": ((1, clones), (-1, clones_of_nothing))}, unit=3, cases="512")
PADDED = Plant("padded_copies", _padded, {"traffic": ((1, _padded), (-1, _padded_nothing))}, unit=3, cases="512")
