"""Every plant, in one visible tuple, and the function that a run is handed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from plants import allocation, autograd, compute, copies, dispatch, interpreter, together, waiting
from plants.plant import Plant
from torch.nn import functional

__all__ = ["BASES", "PLANTS", "again", "again_arrays", "base", "base_arrays", "plant_named", "planted"]

PLANTS: tuple[Plant, ...] = (
    interpreter.NUMBERS,
    interpreter.OBJECTS,
    interpreter.CALLS,
    dispatch.TORCH_NEGATIONS,
    dispatch.TORCH_VIEWS,
    dispatch.NUMPY_ADDS,
    autograd.TRACKED,
    allocation.MAPPED,
    allocation.FILLED,
    copies.CLONES,
    copies.PADDED,
    compute.UNOPTIMISED,
    compute.DENORMAL,
    waiting.SLEEP,
    waiting.EXPOSED,
    waiting.HIDDEN,
    waiting.SPINNING,
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


def base_arrays(image: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Convolve arrays of one channel by nine shifted adds; what plants are added to where the base is NumPy's."""
    rows, columns = image.shape[2:]
    padded = np.pad(image, ((0, 0), (0, 0), (1, 1), (1, 1)))
    output = np.zeros_like(image)
    for row in range(3):
        for column in range(3):
            output += weight[0, 0, row, column] * padded[:, :, row : row + rows, column : column + columns]
    return output


def again_arrays(image: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Do the same under another name."""
    return base_arrays(image, weight)


BASES: Mapping[str, Callable[[Any, Any], Any]] = {"base": base, "base_arrays": base_arrays}


def plant_named(name: str) -> Plant:
    """Give a plant; raises KeyError."""
    return {plant.name: plant for plant in PLANTS}[name]


def planted(name: str, amount: int, onto: str = "base") -> Callable[[Any, Any], Any]:
    """Make the function that does a plant's work and then convolves as the base of that name does."""
    work = plant_named(name).make(amount)
    if onto == "base_arrays":

        def on_arrays(image: np.ndarray, weight: np.ndarray) -> np.ndarray:
            work(image)
            return base_arrays(image, weight)

        return on_arrays

    def function(image: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        work(image)
        return functional.conv2d(image, weight, None, 1, 1)

    return function
