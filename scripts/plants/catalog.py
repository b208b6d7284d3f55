"""Every plant, in one visible tuple, and the function that a run is handed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from plants import allocation, compute, copies, dispatch, interpreter, together, waiting
from plants.plant import Plant
from torch.nn import functional

__all__ = ["PLANTS", "again", "base", "plant_named", "planted"]

PLANTS: tuple[Plant, ...] = (
    interpreter.NUMBERS,
    interpreter.OBJECTS,
    interpreter.CALLS,
    dispatch.TORCH_NEGATIONS,
    dispatch.TORCH_VIEWS,
    dispatch.NUMPY_ADDS,
    allocation.MAPPED,
    allocation.FILLED,
    copies.CLONES,
    copies.PADDED,
    compute.UNOPTIMISED,
    compute.DENORMAL,
    waiting.SLEEP,
    waiting.EXPOSED,
    waiting.HIDDEN,
    together.NUMBERS_AND_PAGES,
    together.NEGATIONS_AND_SLEEP,
    together.COPIES_AND_NUMBERS,
)


def base(image: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Convolve; what plants are added to."""
    return functional.conv2d(image, weight, None, 1, 1)


def again(image: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Do the same under another name: nothing may be told of the difference."""
    return functional.conv2d(image, weight, None, 1, 1)


def plant_named(name: str) -> Plant:
    """Give a plant; raises KeyError."""
    return {plant.name: plant for plant in PLANTS}[name]


def planted(name: str, amount: int) -> Callable[[Any, Any], Any]:
    """Make the function that does a plant's work and then convolves."""
    work = plant_named(name).make(amount)

    def function(image: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        work(image)
        return functional.conv2d(image, weight, None, 1, 1)

    return function
