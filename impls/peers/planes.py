"""A convolution from what an image library offers: filters of one plane with one dense kernel, at stride 1.

Gaps of a dilated kernel are filled with zeros, outputs that a stride leaves out are computed and dropped, and channels
are summed: that is what the library's user would have to do too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from impls.case import ConvCase
from impls.contract import Call

__all__ = ["Bind", "Place", "by_planes", "too_much_padding"]

# Prepares the filtering of one plane (H, W) with one dense kernel (kH, kW); the call gives the filtered plane.
Bind = Callable[[Any, Any], Call]


@dataclass(frozen=True)
class Place:
    """Say where the case's first output is in what the filter gives, and how large that is."""

    top: int
    left: int
    height: int
    width: int

    def window(self, case: ConvCase) -> tuple[slice, ...]:
        """Give the rows and columns that are the case's outputs; none where everything is."""
        down, right = case.stride_height, case.stride_width
        if (self.height, self.width, down, right) == (case.output_height, case.output_width, 1, 1):
            return ()
        return (
            slice(self.top, self.top + (case.output_height - 1) * down + 1, down),
            slice(self.left, self.left + (case.output_width - 1) * right + 1, right),
        )


def too_much_padding(case: ConvCase, library: str, most: tuple[int, int]) -> str:
    """Say that a library pads less than the case does; '' where it pads enough."""
    if case.padding_height <= most[0] and case.padding_width <= most[1]:
        return ""
    height, width = case.reach
    return (
        f"{library} pads at most {most[0]}x{most[1]} for a kernel that spans {height}x{width}, "
        f"not {case.padding_height}x{case.padding_width}; choose less padding"
    )


def by_planes(
    case: ConvCase, image: Any, weight: Any, bias: Any, bind: Bind, place: Place, *, reuse: bool = False
) -> Call:
    """Bind a filter to each pair of an input and a kernel plane; the call filters, cuts out and sums.

    With `reuse`, what `bind` prepares writes into memory of its own, and so does the call.
    """
    kernels = _dense(case, weight)
    window = place.window(case)
    if case.batch == case.in_channels == case.out_channels == 1:
        return _of_one_plane(bind(image[0, 0], kernels[0, 0]), window, None if bias is None else bias[0])
    inputs, outputs = case.in_channels // case.groups, case.out_channels // case.groups
    bound = [
        (sample, output, bind(image[sample, (output // outputs) * inputs + source], kernels[output, source]))
        for sample in range(case.batch)
        for output in range(case.out_channels)
        for source in range(inputs)
    ]
    starts = 0 if bias is None else bias.reshape(-1, 1, 1)
    buffer = np.empty(case.output_shape, case.dtype) if reuse else None

    def call() -> Any:
        output = np.empty(case.output_shape, case.dtype) if buffer is None else buffer
        output[...] = starts
        for sample, channel, filtered in bound:
            output[sample, channel] += filtered()[window]
        return output

    return call


def _of_one_plane(filtered: Call, window: tuple[slice, ...], offset: Any) -> Call:
    """Make the call without loops and sums: at small sizes they would be most of its time."""
    place = (None, None, *window)  # one indexing adds the axes of batch and channels, and cuts

    def call() -> Any:
        return filtered()[place]

    def call_with_offset() -> Any:
        output = filtered()[place]
        output += offset
        return output

    return call if offset is None else call_with_offset


def _dense(case: ConvCase, weight: Any) -> Any:
    dense = np.zeros((*case.weight_shape[:2], *case.reach), case.dtype)
    dense[..., :: case.dilation_height, :: case.dilation_width] = weight
    return dense
