"""The numbers an implementation is given: random, and free of values that would change its speed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from impls.case import ConvCase
from impls.contract import Implementation

__all__ = ["Data", "as_given", "make_data"]

# Products of two numbers of at least this size are far from underflow, in float32 too: no denormals slow a multiplier
# down, and the oracle's relative error bound holds. No zeros either: a sparse image is not what a user measures.
_SMALLEST = 2.0**-20


@dataclass(frozen=True)
class Data:
    """Hold one problem's image (N, C, H, W), weight (O, C/groups, kH, kW) and bias (O,), None for a case without."""

    image: npt.NDArray[Any]
    weight: npt.NDArray[Any]
    bias: npt.NDArray[Any] | None


def make_data(case: ConvCase, seed: int) -> Data:
    """Draw normal random data in the case's dtype; the same case and seed give the same data."""
    generator = np.random.default_rng(seed)

    def draw(shape: tuple[int, ...]) -> npt.NDArray[Any]:
        values = generator.standard_normal(shape)
        away_from_zero = np.copysign(np.maximum(np.abs(values), _SMALLEST), values)
        return away_from_zero.astype(case.dtype)

    image, weight = draw(case.image_shape), draw(case.weight_shape)
    return Data(image, weight, draw((case.out_channels,)) if case.bias else None)


def as_given(implementation: Implementation, data: Data, device: str = "cpu") -> tuple[Any, Any, Any]:
    """Copy image, weight and bias (or None) into what the implementation takes: dense tensors on a device or arrays."""
    given: list[Any] = [
        None if array is None else np.array(array, order="C") for array in (data.image, data.weight, data.bias)
    ]
    if implementation.arrays == "torch":
        import torch

        # A tensor made under inference mode could not take part in autograd later, as the article's module does.
        with torch.inference_mode(mode=False):
            given = [None if array is None else torch.from_numpy(array).to(device) for array in given]
    return given[0], given[1], given[2]
