"""A convolution in Python alone, over nested lists: what the article's NumPy loop would be without NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from impls.case import ConvCase
from impls.contract import Call, Implementation

__all__ = ["LOOP"]

# One tap of one output channel: input channel, offsets in the padded image, factor.
_Tap = tuple[int, int, int, float]


def _taps_by_channel(case: ConvCase, weight: Any) -> list[list[_Tap]]:
    inputs, outputs = case.in_channels // case.groups, case.out_channels // case.groups
    return [
        [
            ((channel // outputs) * inputs + source, row * case.dilation_height, column * case.dilation_width, factor)
            for source, rows in enumerate(kernel)
            for row, factors in enumerate(rows)
            for column, factor in enumerate(factors)
        ]
        for channel, kernel in enumerate(weight.tolist())
    ]


def _padded(case: ConvCase, plane: list[list[float]]) -> list[list[float]]:
    sides = [0.0] * case.padding_width
    empty = [0.0] * (case.width + 2 * case.padding_width)
    frame = [empty] * case.padding_height
    return [*frame, *([*sides, *row, *sides] for row in plane), *frame]


def _prepare_loop(case: ConvCase, image: Any, weight: Any, bias: Any) -> Call:
    """Turn weight and bias into lists once; the image, which changes from call to call in use, in every call."""
    taps_by_channel = _taps_by_channel(case, weight)
    starts = [0.0] * case.out_channels if bias is None else bias.tolist()
    tops = range(0, case.output_height * case.stride_height, case.stride_height)
    lefts = range(0, case.output_width * case.stride_width, case.stride_width)

    def pixel(planes: list[list[list[float]]], taps: list[_Tap], top: int, left: int, total: float) -> float:
        for channel, down, right, factor in taps:
            total += planes[channel][top + down][left + right] * factor
        return total

    def call() -> Any:
        samples = [[_padded(case, plane) for plane in sample] for sample in image.tolist()]
        output = [
            [
                [[pixel(planes, taps, top, left, start) for left in lefts] for top in tops]
                for taps, start in zip(taps_by_channel, starts, strict=True)
            ]
            for planes in samples
        ]
        return np.array(output, dtype=case.dtype)

    return call


LOOP = Implementation(
    name="python.loop",
    family="manual",
    arrays="numpy",
    summary="plain Python over nested lists; the image becomes lists in the call, the weight before it",
    prepare=_prepare_loop,
)
